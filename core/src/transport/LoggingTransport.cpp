#include "transport/LoggingTransport.h"

#include "util/Log.h"

namespace litestream::transport {

LoggingTransport::LoggingTransport(std::unique_ptr<Transport> inner, Label label, Timing& timing)
    : Decorator(std::move(inner)), label_(std::move(label)), timing_(timing) {}

void LoggingTransport::around(Request& request, const Call& call) {
    if (!log::enabled(log::Level::Debug)) return call();
    const auto begin = timing_.now();
    try {
        call();
    } catch (const std::exception& error) {
        write(request, begin, error.what());
        throw;
    }
    if (log::enabled(log::Level::Trace)) write(request, begin, nullptr);
}

void LoggingTransport::write(const Request& request, Timing::Clock::time_point begin, const char* error) const {
    std::vector<log::Attribute> attributes;
    attributes.reserve(label_.size() + 4);
    for (const auto& [key, value] : label_) attributes.emplace_back(key, value);
    attributes.emplace_back("operation", name(request.operation));
    attributes.emplace_back("key", request.object);
    if (error == nullptr) attributes.emplace_back("bytes", request.bytes);
    attributes.emplace_back("duration", timing_.now() - begin);
    if (error != nullptr) attributes.emplace_back("error", error);
    log::write(error == nullptr ? log::Level::Trace : log::Level::Debug, error == nullptr ? "request" : "request failed",
               attributes.data(), attributes.size());
}

}  // namespace litestream::transport
