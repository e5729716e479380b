#include "plugin/Module.h"

#include "util/Log.h"

#include <exception>
#include <utility>

namespace litestream::plugin {

namespace {

/// A plugin's way to the log; each line carries the plugin's name.
class LogHost final : public Host {
public:
    explicit LogHost(std::string name) : name_(std::move(name)) {}

    void log(LogLevel level, std::string_view message) override {
        litestream::log::write(translate(level), message, {{"plugin", name_}});
    }

private:
    static log::Level translate(LogLevel level) noexcept {
        switch (level) {
            case LogLevel::Debug:
                return log::Level::Debug;
            case LogLevel::Info:
                return log::Level::Info;
            case LogLevel::Warning:
                return log::Level::Warn;
            case LogLevel::Error:
                break;
        }
        return log::Level::Error;
    }

    const std::string name_;
};

}  // namespace

std::string_view kindName(PluginKind kind) noexcept {
    switch (kind) {
        case PluginKind::Source:
            return "source";
        case PluginKind::Transport:
            return "transport";
        case PluginKind::Codec:
            return "codec";
    }
    return "unknown";
}

std::string describe(PluginKind kind, std::string_view name) {
    return std::string(kindName(kind)) + " plugin \"" + std::string(name) + "\"";
}

std::string describe(const LoadedPlugin& plugin) { return describe(plugin.kind, plugin.name); }

Module::Module(boost::dll::shared_library library, const PluginDescriptor& descriptor, LoadedPlugin plugin)
    : library_(std::move(library)),
      descriptor_(descriptor),
      plugin_(std::move(plugin)),
      host_(std::make_unique<LogHost>(plugin_.name)) {}

Module::~Module() {
    if (instance_ != nullptr) descriptor_.destroy(instance_);
}

void* Module::create() const {
    std::lock_guard lock(mutex_);
    if (instance_ == nullptr) {
        instance_ = guard("create", [&] { return descriptor_.create(*host_); });
        if (instance_ == nullptr) fault("create", "gave no object");
    }
    return instance_;
}

void Module::rethrowForeign(const char* operation) const {
    const std::string context = describe(plugin_) + ": " + operation + " threw ";
    // Of what went wrong nothing is known, so it is not known to be permanent either.
    try {
        throw;
    } catch (const std::exception& error) {
        throw Error(ErrorCode::Transient, context + "a foreign exception: " + error.what());
    } catch (...) {
        throw Error(ErrorCode::Transient, context + "something that is no exception");
    }
}

void Module::fault(const char* operation, const std::string& what) const {
    throw Error(ErrorCode::Corrupt, describe(plugin_) + ": " + operation + " " + what + ". This is a fault of the plugin " +
                                        plugin_.file.string());
}

}  // namespace litestream::plugin
