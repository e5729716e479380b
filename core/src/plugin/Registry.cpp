#include "plugin/Registry.h"

#include "plugin/Guarded.h"
#include "plugin/Loader.h"
#include "plugin/OptionCheck.h"
#include "plugin/PluginFile.h"
#include "plugin/PluginSearch.h"
#include "util/Log.h"
#include "util/ShownUrl.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <tuple>

namespace litestream::plugin {

namespace fs = std::filesystem;

namespace {

/// The scheme of a URL in lower case; empty when it has none.
std::string schemeOf(std::string_view url) {
    std::string scheme;
    for (const char c : url) {
        const bool isLetter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool fits = isLetter || (!scheme.empty() && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
        if (c == ':') return scheme;
        if (!fits) break;
        scheme += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return {};
}

}  // namespace

struct Registry::State {
    std::vector<ModulePtr> modules;     ///< in the order of plugins
    std::vector<LoadedPlugin> plugins;  ///< by kind, then name
    std::vector<RefusedFile> refused;
    std::vector<std::string> searched;  ///< for "not found" messages
    std::set<fs::path> seen;            ///< real paths of directories and files

    void loadDirectory(const fs::path& directory);
    void loadFile(const fs::path& file);
    void checkNames(const LoadedPlugin& plugin) const;
    void sort();

    ModulePtr require(PluginKind kind, std::string_view name) const;
    /// Where was looked, and what was refused there that may have been what `name` stands for.
    std::string whereWasLooked(std::string_view name) const;
};

void Registry::State::loadDirectory(const fs::path& directory) {
    std::error_code failure;
    const fs::path real = fs::canonical(directory, failure);
    if (failure == std::errc::no_such_file_or_directory) {
        searched.push_back(directory.string() + " (does not exist)");
        return;
    }
    if (!failure && !seen.insert(real).second) return;
    searched.push_back(directory.string());
    try {
        if (failure) throw systemError("look at directory", failure.value());
        checkPluginDirectory(real);
        for (const fs::path& file : pluginFiles(directory)) loadFile(file);
    } catch (const Error& error) {
        refused.push_back({directory, error.what()});
    }
}

void Registry::State::loadFile(const fs::path& file) {
    try {
        // What a link points to is what is loaded, so that is what must be safe.
        std::error_code failure;
        const fs::path real = fs::canonical(file, failure);
        if (failure) throw systemError("look at file", failure.value());
        if (!seen.insert(real).second) return;
        checkPluginDirectory(real.parent_path());
        checkPluginFile(real);
        const ModulePtr loaded = loadModule(real);
        checkNames(loaded->plugin());
        modules.push_back(loaded);
    } catch (const Error& error) {
        refused.push_back({file, error.what()});
    }
}

void Registry::State::checkNames(const LoadedPlugin& plugin) const {
    for (const ModulePtr& other : modules) {
        const LoadedPlugin& taken = other->plugin();
        if (taken.kind == plugin.kind && taken.name == plugin.name) {
            throw Error(ErrorCode::Conflict, describe(plugin) + " is already loaded from " + taken.file.string() +
                                                 ", wanted another name. Remove one of the two files");
        }
        for (const std::string& scheme : plugin.schemes) {
            if (std::find(taken.schemes.begin(), taken.schemes.end(), scheme) != taken.schemes.end()) {
                throw Error(ErrorCode::Conflict, describe(plugin) + " takes the URL scheme \"" + scheme +
                                                     "\", which belongs to " + taken.file.string() + " already");
            }
        }
    }
}

void Registry::State::sort() {
    std::sort(modules.begin(), modules.end(), [](const ModulePtr& a, const ModulePtr& b) {
        return std::tie(a->plugin().kind, a->plugin().name) < std::tie(b->plugin().kind, b->plugin().name);
    });
    for (const ModulePtr& module : modules) plugins.push_back(module->plugin());
}

ModulePtr Registry::State::require(PluginKind kind, std::string_view name) const {
    const auto found = std::find_if(modules.begin(), modules.end(), [&](const ModulePtr& module) {
        return module->plugin().kind == kind && module->plugin().name == name;
    });
    if (found == modules.end()) {
        throw Error(ErrorCode::Unsupported, describe(kind, name) + " not found: " + whereWasLooked(name));
    }
    return *found;
}

std::string Registry::State::whereWasLooked(std::string_view name) const {
    std::string text = searched.empty() ? "no plugin directory was given" : "looked in ";
    for (std::size_t i = 0; i < searched.size(); ++i) text += (i == 0 ? "" : ", ") + searched[i];
    for (const RefusedFile& file : refused) {
        // In a directory that was refused as a whole it may be, too.
        std::error_code ignored;
        if (fs::is_directory(file.file, ignored) || file.file.filename().string().find(name) != std::string::npos) {
            text += ". " + file.file.string() + " was refused: " + file.reason;
        }
    }
    return text;
}

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

std::unique_ptr<Registry> Registry::load(const std::vector<fs::path>& directories) {
    std::unique_ptr<Registry> registry(new Registry());
    for (const fs::path& directory : directories) registry->state_->loadDirectory(directory);
    registry->state_->sort();
    return registry;
}

std::vector<fs::path> Registry::searchPath(const fs::path& configured) {
    std::vector<fs::path> directories = programDirectories();
    if (!configured.empty()) directories.push_back(configured);
    for (fs::path& directory : environmentDirectories()) directories.push_back(std::move(directory));
    return directories;
}

const std::vector<LoadedPlugin>& Registry::plugins() const noexcept { return state_->plugins; }

const std::vector<RefusedFile>& Registry::refused() const noexcept { return state_->refused; }

const LoadedPlugin* Registry::find(PluginKind kind, std::string_view name) const noexcept {
    for (const LoadedPlugin& plugin : state_->plugins) {
        if (plugin.kind == kind && plugin.name == name) return &plugin;
    }
    return nullptr;
}

std::unique_ptr<Source> Registry::openSource(std::string_view name, SourceContext context, OptionValues options) const {
    const ModulePtr module = state_->require(PluginKind::Source, name);
    const OptionValues complete = completeOptions(module->plugin(), options);
    auto& plugin = module->instance<SourcePlugin>();
    return guardSource(module, module->guard("open", [&] { return plugin.open(std::move(context), complete); }));
}

std::unique_ptr<Transport> Registry::openTransport(std::string_view name, OptionValues options) const {
    const ModulePtr module = state_->require(PluginKind::Transport, name);
    const OptionValues complete = completeOptions(module->plugin(), options);
    auto& plugin = module->instance<TransportPlugin>();
    return guardTransport(module, module->guard("open", [&] { return plugin.open(complete); }));
}

std::shared_ptr<const Codec> Registry::openCodec(std::string_view name, OptionValues options) const {
    const ModulePtr module = state_->require(PluginKind::Codec, name);
    const OptionValues complete = completeOptions(module->plugin(), options);
    auto& plugin = module->instance<CodecPlugin>();
    return guardCodec(module, module->guard("open", [&] { return plugin.open(complete); }));
}

std::unique_ptr<Source> Registry::openBareSource(std::string_view name, SourceContext context, OptionValues options) const {
    const ModulePtr module = state_->require(PluginKind::Source, name);
    return module->instance<SourcePlugin>().open(std::move(context), completeOptions(module->plugin(), options));
}

std::unique_ptr<Transport> Registry::openBareTransport(std::string_view name, OptionValues options) const {
    const ModulePtr module = state_->require(PluginKind::Transport, name);
    return module->instance<TransportPlugin>().open(completeOptions(module->plugin(), options));
}

std::unique_ptr<Codec> Registry::openBareCodec(std::string_view name, OptionValues options) const {
    const ModulePtr module = state_->require(PluginKind::Codec, name);
    return module->instance<CodecPlugin>().open(completeOptions(module->plugin(), options));
}

Registry::ParsedUrl Registry::parseUrl(std::string_view url) const {
    const std::string scheme = schemeOf(url);
    if (scheme.empty()) throw Error(ErrorCode::InvalidArgument, "replica url scheme required: " + shownUrl(url));
    for (const ModulePtr& module : state_->modules) {
        const LoadedPlugin& plugin = module->plugin();
        if (std::find(plugin.schemes.begin(), plugin.schemes.end(), scheme) == plugin.schemes.end()) continue;
        const auto& parser = module->instance<TransportPlugin>();
        return {plugin.name, module->guard("parseUrl", [&] { return parser.parseUrl(url); })};
    }
    // The rest of the URL may hold a password.
    throw Error(ErrorCode::Unsupported, "no transport plugin takes the URL scheme \"" + scheme + "\": " +
                                            state_->whereWasLooked(scheme));
}

ltx::CodecSet Registry::codecs() const {
    ltx::CodecSet set;
    for (const LoadedPlugin& plugin : state_->plugins) {
        if (plugin.kind != PluginKind::Codec) continue;
        try {
            set.add(openCodec(plugin.name, {}));
        } catch (const Error& error) {
            // One that needs options, or that fails, must not keep the others from reading.
            log::debug("codec not available for reading", {{"plugin", plugin.name}, {"error", error.what()}});
        }
    }
    return set;
}

}  // namespace litestream::plugin
