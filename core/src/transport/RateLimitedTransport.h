#pragma once

#include "transport/Decorator.h"
#include "transport/RateLimit.h"

namespace litestream::transport {

/// Keeps to a rate of requests and bytes: a request waits for its token, an upload waits between the runs of its body, a download
/// is paid for by the requests after it, since its bytes are known only then.
class RateLimitedTransport final : public Decorator {
public:
    /// The limit is shared with the other transports that it is for.
    RateLimitedTransport(std::unique_ptr<Transport> inner, std::shared_ptr<RateLimit> limit);

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override;

protected:
    void around(Request& request, const Call& call) override;

private:
    const std::shared_ptr<RateLimit> limit_;
};

}  // namespace litestream::transport
