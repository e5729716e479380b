#include "transport/RateLimitedTransport.h"

namespace litestream::transport {
namespace {

class LimitedBody final : public Body {
public:
    LimitedBody(Body& body, RateLimit& limit, const CallContext& context) : body_(body), limit_(limit), context_(context) {}

    std::optional<std::uint64_t> size() const override { return body_.size(); }
    void rewind() override { body_.rewind(); }
    ConstBytes next() override {
        const ConstBytes run = body_.next();
        if (!run.empty()) limit_.takeBytes(run.size(), context_);
        return run;
    }

private:
    Body& body_;
    RateLimit& limit_;
    const CallContext& context_;
};

}  // namespace

RateLimitedTransport::RateLimitedTransport(std::unique_ptr<Transport> inner, std::shared_ptr<RateLimit> limit)
    : Decorator(std::move(inner)), limit_(std::move(limit)) {}

std::uint64_t RateLimitedTransport::put(const std::string& key, Body& body, const PutOptions& options,
                                        const CallContext& context) {
    LimitedBody limited(body, *limit_, context);
    return Decorator::put(key, limited, options, context);
}

void RateLimitedTransport::around(Request& request, const Call& call) {
    limit_->takeRequest(request.context);
    if (request.operation == Operation::Get) limit_->takeBytes(0, request.context);
    call();
    if (request.operation == Operation::Get) limit_->noteBytes(request.bytes);
}

}  // namespace litestream::transport
