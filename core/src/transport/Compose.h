#pragma once

#include "plugin/Registry.h"
#include "transport/LoggingTransport.h"
#include "transport/Metrics.h"
#include "transport/RateLimit.h"
#include "transport/RetryPolicy.h"
#include "transport/Timing.h"

#include <memory>
#include <string_view>

namespace litestream::transport {

/// What the decorators of one replica need to know.
struct Stack {
    RetryPolicy retry = {};
    std::shared_ptr<RateLimit> rate = nullptr;  ///< shared by all transports that it is for; null = no limit
    std::shared_ptr<Metrics> metrics = std::make_shared<Metrics>();  ///< shared with whoever shows them
    LoggingTransport::Label label = {};  ///< whose requests they are, for log lines
    Timing* timing = &systemTiming();    ///< outlives the transport; never null
};

/// The transport of a plugin with everything around it that core adds. All of core's and the programs' requests go through one of these. Errors
/// as Registry::openTransport.
std::unique_ptr<Transport> open(const plugin::Registry& registry, std::string_view plugin, const OptionValues& options,
                                const Stack& stack = {});

/// The same around any transport.
std::unique_ptr<Transport> compose(std::unique_ptr<Transport> store, const Stack& stack);

}  // namespace litestream::transport
