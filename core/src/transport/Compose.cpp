#include "transport/Compose.h"

#include "transport/MeteredTransport.h"
#include "transport/RateLimitedTransport.h"
#include "transport/RetryingTransport.h"

namespace litestream::transport {

std::unique_ptr<Transport> compose(std::unique_ptr<Transport> store, const Stack& stack) {
    // From the store outwards. The guard against what a plugin may do wrong is inside already: the registry's.
    std::unique_ptr<Transport> top = std::move(store);
    // Next to the store: durations are the store's, without our own waits for tokens or between attempts, and every attempt counts.
    top = std::make_unique<MeteredTransport>(std::move(top), stack.metrics, *stack.timing);
    // The same requests, one line each; a fault that heals shows as the line of its failed attempt.
    top = std::make_unique<LoggingTransport>(std::move(top), stack.label, *stack.timing);
    // Outside of those, so that waiting for a token is no slow request; inside of the retries, since each attempt is a request that a
    // provider counts: a store in trouble must not get more than its rate because everything fails.
    if (stack.rate) top = std::make_unique<RateLimitedTransport>(std::move(top), stack.rate);
    // Outermost: whoever pauses between two attempts holds neither tokens nor a place in a duration.
    return std::make_unique<RetryingTransport>(std::move(top), stack.retry, stack.metrics, *stack.timing);
}

std::unique_ptr<Transport> open(const plugin::Registry& registry, std::string_view plugin, const OptionValues& options,
                                const Stack& stack) {
    return compose(registry.openTransport(plugin, options), stack);
}

}  // namespace litestream::transport
