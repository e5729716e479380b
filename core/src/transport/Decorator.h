#pragma once

#include <litestream/Transport.h>

#include <functional>
#include <memory>
#include <string_view>

namespace litestream::transport {

enum class Operation : unsigned { Put, Get, Head, List, Remove };
inline constexpr std::size_t kOperations = 5;

/// "PUT", "GET", "HEAD", "LIST", "DELETE": upstream's words in metrics and logs.
std::string_view name(Operation operation) noexcept;

/// One call of a transport as a decorator sees it.
struct Request {
    Operation operation;
    std::string_view object;  ///< key or prefix; of several keys the first
    const CallContext& context;
    std::uint64_t bytes = 0;  ///< of content stored or read; known when the call has succeeded
};

/// Something that happens around every call of another transport, in one place for all five operations.
class Decorator : public Transport {
public:
    const TransportCapabilities& capabilities() const noexcept final { return inner_->capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const final { return inner_->describe(); }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override;
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) final;
    ObjectInfo head(const std::string& key, const CallContext& context) final;
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) final;
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) final;

protected:
    using Call = std::function<void()>;

    explicit Decorator(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

    /// Runs `call`, once or several times; each run after the first begins anew, a put with the first byte of its body. Throws what
    /// the caller is to see. Called concurrently.
    virtual void around(Request& request, const Call& call) = 0;

private:
    const std::unique_ptr<Transport> inner_;
};

}  // namespace litestream::transport
