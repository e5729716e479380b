#pragma once

#include "transport/Metrics.h"
#include "transport/Timing.h"

namespace litestream::transport {

/// Counts every request, its bytes, its time and the class of its error.
class MeteredTransport final : public Decorator {
public:
    /// `timing` outlives the transport.
    MeteredTransport(std::unique_ptr<Transport> inner, std::shared_ptr<Metrics> metrics, Timing& timing);

protected:
    void around(Request& request, const Call& call) override;

private:
    void ended(const Request& request, Timing::Clock::time_point begin);

    const std::shared_ptr<Metrics> metrics_;  // shared with whoever shows them, and outliving neither
    Timing& timing_;
};

}  // namespace litestream::transport
