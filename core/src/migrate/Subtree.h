#pragma once

#include <litestream/Transport.h>

#include <string>

namespace litestream::migrate {

/// A transport whose root lies below the root of another one, which outlives it.
class Subtree final : public Transport {
public:
    /// `root` ends with '/', or is empty.
    Subtree(Transport& whole, std::string root) : whole_(whole), root_(std::move(root)) {}

    const TransportCapabilities& capabilities() const noexcept override { return whole_.capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return whole_.describe(); }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override;
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override;
    ObjectInfo head(const std::string& key, const CallContext& context) override;
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override;
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override;

private:
    Transport& whole_;
    const std::string root_;
};

}  // namespace litestream::migrate
