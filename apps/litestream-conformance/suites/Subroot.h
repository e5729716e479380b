#pragma once

#include <litestream/Transport.h>

#include <memory>
#include <string>

namespace litestream::conformance {

/// A root below the root of another transport: every key gets a prefix on its way in and loses it on its way out. So any transport has as many
/// empty roots as one wants, and nothing outside of them is touched.
class Subroot final : public Transport {
public:
    /// `prefix` ends with '/'.
    Subroot(std::shared_ptr<Transport> below, std::string prefix)
        : below_(std::move(below)), prefix_(std::move(prefix)) {}

    const TransportCapabilities& capabilities() const noexcept override { return below_->capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return below_->describe(); }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override;
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override;
    ObjectInfo head(const std::string& key, const CallContext& context) override;
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override;
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override;

private:
    /// A key that does not begin with the prefix is foreign here and stays as it is, so that the suites see it.
    std::string without(std::string key) const;

    const std::shared_ptr<Transport> below_;  // shared with whoever opened it
    const std::string prefix_;
};

/// Removes every object; returns how many are still there because they could not be removed. Ends even when the transport lies.
std::size_t removeAll(Transport& transport);

}  // namespace litestream::conformance
