#pragma once

#include "transport/Decorator.h"
#include "transport/Timing.h"

#include <string>
#include <utility>
#include <vector>

namespace litestream::transport {

/// A line for every request: at level trace when it went well, at debug when it failed. Nothing is measured or composed for a level that is off.
///
///     level=TRACE msg=request db=/var/lib/app.db replica=file operation=PUT key=ltx/0/0000...ltx bytes=4096 duration=1.2ms
class LoggingTransport final : public Decorator {
public:
    using Label = std::vector<std::pair<std::string, std::string>>;

    /// `label` stands in every line: whose requests these are. `timing` outlives the transport.
    LoggingTransport(std::unique_ptr<Transport> inner, Label label, Timing& timing);

protected:
    void around(Request& request, const Call& call) override;

private:
    void write(const Request& request, Timing::Clock::time_point begin, const char* error) const;

    const Label label_;
    Timing& timing_;
};

}  // namespace litestream::transport
