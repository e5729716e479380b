#pragma once

#include "plugin/Registry.h"

// The standard library's paths and error codes: nothing of Boost's own needs to be linked.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <memory>
#include <mutex>
#include <string>

namespace litestream::plugin {

/// "transport plugin \"file\"", for messages.
std::string describe(const LoadedPlugin& plugin);
std::string describe(PluginKind kind, std::string_view name);

/// One loaded plugin: its library, its descriptor and the one object that its factory makes.
///
/// Shared by the registry and by everything that was made from it (the guards hold it), so that no code is unloaded
/// under an object that runs it.
class Module {
public:
    Module(boost::dll::shared_library library, const PluginDescriptor& descriptor, LoadedPlugin plugin);
    ~Module();
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;

    const LoadedPlugin& plugin() const noexcept { return plugin_; }

    /// The SourcePlugin, TransportPlugin or CodecPlugin, made when it is first asked for: listing plugins starts nothing. `Plugin` must be
    /// the base class of the kind. Thread-safe; throws what the factory threw, as Error.
    template <class Plugin>
    Plugin& instance() const {
        return *static_cast<Plugin*>(create());
    }

    /// Runs `action`; what it throws that is no Error becomes one that names the plugin and `operation`.
    template <class Action>
    decltype(auto) guard(const char* operation, Action&& action) const {
        try {
            return action();
        } catch (const Error&) {
            throw;
        } catch (...) {
            rethrowForeign(operation);
        }
    }

    /// The plugin gave back something impossible.
    [[noreturn]] void fault(const char* operation, const std::string& what) const;

private:
    void* create() const;
    [[noreturn]] void rethrowForeign(const char* operation) const;

    // Destroyed from the end: the instance goes (in the destructor), then its host, the library last.
    boost::dll::shared_library library_;
    const PluginDescriptor& descriptor_;
    const LoadedPlugin plugin_;
    const std::unique_ptr<Host> host_;
    mutable std::mutex mutex_;  ///< guards instance_
    mutable void* instance_ = nullptr;
};

using ModulePtr = std::shared_ptr<const Module>;

}  // namespace litestream::plugin
