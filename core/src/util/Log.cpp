#include "util/Log.h"

#include "util/LogFormat.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <atomic>
#include <ctime>
#include <memory>
#include <mutex>

namespace litestream::log {
namespace {

/// Where lines go. Replaced as a whole by configure(); a line in flight keeps the one it began with.
struct Output {
    Format format = Format::Text;
    std::shared_ptr<spdlog::logger> logger;
};

std::shared_ptr<const Output> makeOutput(const Settings& settings) {
    spdlog::sink_ptr sink;
    if (settings.toStderr) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
        sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    }
    auto logger = std::make_shared<spdlog::logger>("litestream", std::move(sink));
    logger->set_level(spdlog::level::trace);
    logger->set_pattern("%v");
    // A log that cannot be written (a closed pipe) must not end replication or fill stderr.
    logger->set_error_handler([](const std::string&) {});
    return std::make_shared<const Output>(Output{settings.format, std::move(logger)});
}

struct State {
    std::mutex mutex;  ///< guards output
    std::shared_ptr<const Output> output = makeOutput({});
    std::atomic<Level> level{Level::Info};
};

/// Never destroyed: threads of plugins may log while the process ends.
State& state() {
    static State& instance = *new State;
    return instance;
}

std::shared_ptr<const Output> currentOutput() {
    const std::lock_guard lock(state().mutex);
    return state().output;
}

std::chrono::seconds localZoneOffset(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return std::chrono::seconds{local.tm_gmtoff};
}

spdlog::level::level_enum toSpdlog(Level level) {
    switch (level) {
        case Level::Trace:
            return spdlog::level::trace;
        case Level::Debug:
            return spdlog::level::debug;
        case Level::Info:
            return spdlog::level::info;
        case Level::Warn:
            return spdlog::level::warn;
        case Level::Error:
            break;
    }
    return spdlog::level::err;
}

}  // namespace

void configure(const Settings& settings) {
    auto output = makeOutput(settings);
    const std::lock_guard lock(state().mutex);
    state().output = std::move(output);
    state().level = settings.level;
}

bool enabled(Level level) noexcept {
    return level >= state().level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, Attributes attributes) {
    write(level, message, attributes.begin(), attributes.size());
}

void write(Level level, std::string_view message, const Attribute* attributes, std::size_t count) {
    if (!enabled(level)) return;
    const auto output = currentOutput();
    const auto now = std::chrono::system_clock::now();
    const std::string line = formatLine(output->format, now, localZoneOffset(now), level, message, attributes, count);
    output->logger->log(toSpdlog(level), spdlog::string_view_t(line));
}

}  // namespace litestream::log
