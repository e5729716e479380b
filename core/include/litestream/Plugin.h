#pragma once

/// A plugin is a shared object with one exported C symbol, its descriptor. This is a whole one, a codec that stores
/// pages as they are:
///
///     #include <litestream/Plugin.h>
///     #include <cstring>
///
///     namespace {
///     using namespace litestream;
///
///     class PlainCodec final : public Codec {
///     public:
///         PageForm written() const noexcept override { return kForm; }
///         std::span<const PageForm> readable() const noexcept override { return {&kForm, 1}; }
///         std::size_t maxPacked(std::size_t pageSize) const noexcept override { return pageSize; }
///         std::size_t pack(ConstBytes page, MutableBytes out) const override {
///             std::memcpy(out.data(), page.data(), page.size());
///             return page.size();
///         }
///         std::size_t unpack(std::uint16_t, ConstBytes packed, MutableBytes page) const override {
///             if (packed.size() != page.size()) throw Error(ErrorCode::Corrupt, "plain page has a wrong length");
///             std::memcpy(page.data(), packed.data(), page.size());
///             return packed.size();
///         }
///
///     private:
///         static constexpr PageForm kForm{0x4000, true};
///     };
///
///     class PlainPlugin final : public CodecPlugin {
///     public:
///         std::unique_ptr<Codec> open(const OptionValues&) override { return std::make_unique<PlainCodec>(); }
///     };
///     }  // namespace
///
///     LITESTREAM_DECLARE_CODEC("plain", "1.0.0", "stores pages as they are", nullptr, 0, PlainPlugin)
///
/// Build it with `-shared -fPIC -std=c++20`, link `litestream_sdk`, and drop it into a plugin directory.

#include <litestream/Codec.h>
#include <litestream/Error.h>
#include <litestream/Export.h>
#include <litestream/Options.h>
#include <litestream/Source.h>
#include <litestream/Transport.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

namespace litestream {

enum class PluginKind : std::uint32_t { Source = 1, Transport = 2, Codec = 3 };

enum class LogLevel { Debug, Info, Warning, Error };

/// What the host offers to a plugin. Lives longer than everything that the plugin makes. Thread-safe.
class Host {
public:
    virtual ~Host() = default;
    /// One line to the log, attributed to the plugin. Lower case, no full stop, no secret.
    virtual void log(LogLevel level, std::string_view message) = 0;
};

/// Makes sources. One object per plugin and process; thread-safe.
class SourcePlugin {
public:
    virtual ~SourcePlugin() = default;
    /// Never touches the database: that is what attach() is for.
    virtual std::unique_ptr<Source> open(SourceContext context, const OptionValues& options) = 0;
};

/// Makes transports. One object per plugin and process; thread-safe; may share connections between the transports it made.
class TransportPlugin {
public:
    virtual ~TransportPlugin() = default;
    /// The options that a replica URL stands for ("file:///backup/db" -> path). Only URLs with a scheme of the descriptor arrive here.
    /// Error(InvalidArgument) says what is wrong with the URL.
    virtual OptionValues parseUrl(std::string_view url) const = 0;
    /// Opens without any request: the first operation connects.
    virtual std::unique_ptr<Transport> open(const OptionValues& options) = 0;
};

/// Makes codecs. One object per plugin and process; thread-safe.
class CodecPlugin {
public:
    virtual ~CodecPlugin() = default;
    virtual std::unique_ptr<Codec> open(const OptionValues& options) = 0;
};

/// Changes when a class or struct of the SDK changes its shape. A plugin built for another number is refused.
inline constexpr std::uint32_t kSdkVersion = 1;

/// What two C++ binaries must agree on before objects may pass between them.
#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI && defined(__LP64__)
inline constexpr const char* kAbiTag = "itanium/libstdc++/cxx11/lp64";
#else
inline constexpr const char* kAbiTag = "unsupported";
#endif

/// The handshake: plain C data, read and checked before any C++ crosses the line. All pointers live as long as the
/// object is loaded.
struct PluginDescriptor {
    char magic[8];              ///< "LSPLUGIN"
    std::uint32_t size;         ///< sizeof(PluginDescriptor) of the plugin
    std::uint32_t sdkVersion;   ///< kSdkVersion of the plugin
    const char* abiTag;         ///< kAbiTag of the plugin
    PluginKind kind;
    std::uint32_t optionCount;
    const char* name;           ///< unique within its kind: "lz4", "file", "s3", "sqlite"
    const char* version;        ///< the plugin's own version, for people
    const char* summary;        ///< one line
    const OptionSpec* options;  ///< optionCount of them, or null
    const char* schemes;        ///< transports: URL schemes, separated by blanks; others: ""
    /// Makes the SourcePlugin, TransportPlugin or CodecPlugin, as void* of exactly that type. May throw Error.
    void* (*create)(Host& host);
    void (*destroy)(void* plugin);
};

/// The name of the exported descriptor.
inline constexpr const char* kDescriptorSymbol = "litestream_plugin";

namespace detail {
template <class Base, class Plugin>
void* createPlugin(Host& host) {
    Base* plugin = nullptr;
    if constexpr (std::is_constructible_v<Plugin, Host&>) {
        plugin = new Plugin(host);
    } else {
        plugin = new Plugin();
    }
    return plugin;
}
template <class Base>
void destroyPlugin(void* plugin) {
    delete static_cast<Base*>(plugin);
}
}  // namespace detail

#define LITESTREAM_DECLARE_PLUGIN_(KIND, BASE, NAME, VERSION, SUMMARY, OPTIONS, OPTION_COUNT, SCHEMES, CLASS)            \
    extern "C" {                                                                                                         \
    extern LITESTREAM_SDK const ::litestream::PluginDescriptor litestream_plugin;                                        \
    const ::litestream::PluginDescriptor litestream_plugin = {                                                           \
        {'L', 'S', 'P', 'L', 'U', 'G', 'I', 'N'},                                                                        \
        sizeof(::litestream::PluginDescriptor),                                                                          \
        ::litestream::kSdkVersion,                                                                                       \
        ::litestream::kAbiTag,                                                                                           \
        ::litestream::PluginKind::KIND,                                                                                  \
        OPTION_COUNT,                                                                                                    \
        NAME,                                                                                                            \
        VERSION,                                                                                                         \
        SUMMARY,                                                                                                         \
        OPTIONS,                                                                                                         \
        SCHEMES,                                                                                                         \
        &::litestream::detail::createPlugin<::litestream::BASE, CLASS>,                                                  \
        &::litestream::detail::destroyPlugin<::litestream::BASE>};                                                       \
    }

/// One of these stands at the end of a plugin's main file. CLASS has a default constructor or one that takes Host&.
#define LITESTREAM_DECLARE_SOURCE(NAME, VERSION, SUMMARY, OPTIONS, OPTION_COUNT, CLASS) \
    LITESTREAM_DECLARE_PLUGIN_(Source, SourcePlugin, NAME, VERSION, SUMMARY, OPTIONS, OPTION_COUNT, "", CLASS)
#define LITESTREAM_DECLARE_TRANSPORT(NAME, VERSION, SUMMARY, OPTIONS, OPTION_COUNT, SCHEMES, CLASS) \
    LITESTREAM_DECLARE_PLUGIN_(Transport, TransportPlugin, NAME, VERSION, SUMMARY, OPTIONS, OPTION_COUNT, SCHEMES, CLASS)
#define LITESTREAM_DECLARE_CODEC(NAME, VERSION, SUMMARY, OPTIONS, OPTION_COUNT, CLASS) \
    LITESTREAM_DECLARE_PLUGIN_(Codec, CodecPlugin, NAME, VERSION, SUMMARY, OPTIONS, OPTION_COUNT, "", CLASS)

}  // namespace litestream
