#pragma once

#include "ltx/CodecSet.h"

#include <litestream/Plugin.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace litestream::plugin {

/// "source", "transport", "codec"
std::string_view kindName(PluginKind kind) noexcept;

/// One option as text, copied from its plugin.
struct Option {
    std::string name;
    OptionType type = OptionType::String;
    std::string defaultValue;
    std::string help;
    bool required = false;
};

/// A plugin that is loaded and ready.
struct LoadedPlugin {
    PluginKind kind = PluginKind::Codec;
    std::string name;
    std::string version;
    std::string summary;
    std::filesystem::path file;
    std::vector<Option> options;
    std::vector<std::string> schemes;
};

/// A file in a plugin directory that was not loaded, and why: what was found and what was wanted.
struct RefusedFile {
    std::filesystem::path file;
    std::string reason;
};

/// Finds, checks and loads plugins, and makes what they offer. Everything it hands out is guarded: a foreign exception, a
/// short read or a wrong length from a plugin becomes an Error that names the plugin.
///
/// Threads: immutable after load(); all const members may be called concurrently. It outlives everything it made.
class Registry {
public:
    /// Directories in the order of search: of two files with the same kind and name the first one wins and the other one is refused.
    /// A directory that does not exist is skipped; one that others may write to is refused as a whole.
    static std::unique_ptr<Registry> load(const std::vector<std::filesystem::path>& directories);

    /// `plugins/` beside the executable and its installed sibling, then `configured` (may be empty), then the
    /// colon-separated LITESTREAM_PLUGIN_PATH.
    static std::vector<std::filesystem::path> searchPath(const std::filesystem::path& configured);

    ~Registry();

    /// By kind, then name.
    const std::vector<LoadedPlugin>& plugins() const noexcept;
    const std::vector<RefusedFile>& refused() const noexcept;
    /// Null when there is no such plugin.
    const LoadedPlugin* find(PluginKind kind, std::string_view name) const noexcept;

    /// The following throw Error(Unsupported) when there is no such plugin, naming it, where was looked, and the
    /// refused file if one bears its name; Error(InvalidArgument) when an option is unknown, missing or of another type.
    std::unique_ptr<Source> openSource(std::string_view name, SourceContext context, OptionValues options) const;
    std::unique_ptr<Transport> openTransport(std::string_view name, OptionValues options) const;
    std::shared_ptr<const Codec> openCodec(std::string_view name, OptionValues options) const;

    /// The same without the guard, for the conformance kit alone: it has to see the very faults that the guard hides. What the plugin throws
    /// passes as it is, and null may come back.
    std::unique_ptr<Source> openBareSource(std::string_view name, SourceContext context, OptionValues options) const;
    std::unique_ptr<Transport> openBareTransport(std::string_view name, OptionValues options) const;
    std::unique_ptr<Codec> openBareCodec(std::string_view name, OptionValues options) const;

    /// The transport plugin that takes URLs like this one, and the options the URL stands for.
    struct ParsedUrl {
        std::string transport;
        OptionValues options;
    };
    ParsedUrl parseUrl(std::string_view url) const;

    /// Every codec there is, with default options, for reading.
    ltx::CodecSet codecs() const;

private:
    Registry();
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace litestream::plugin
