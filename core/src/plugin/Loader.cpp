#include "plugin/Loader.h"

#include "plugin/OptionCheck.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace litestream::plugin {

namespace {

constexpr std::string_view kMagic = "LSPLUGIN";
constexpr std::uint32_t kMostOptions = 1000;

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorCode::Unsupported, text); }

boost::dll::shared_library openLibrary(const std::filesystem::path& file) {
    try {
        return boost::dll::shared_library(file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    } catch (const std::system_error& error) {
        // The dynamic linker's own words name the symbol or library that it misses.
        refuse(std::string("cannot be loaded: ") + error.what() +
               ". Wanted a shared object whose symbols all resolve against the SDK and its own libraries");
    }
}

/// How many bytes the symbol at `address` has by the library's own table; 0 when it does not say.
std::size_t symbolSize(const void* address) {
    Dl_info where{};
    void* entry = nullptr;
    if (::dladdr1(address, &where, &entry, RTLD_DL_SYMENT) == 0 || entry == nullptr) return 0;
    return static_cast<const ElfW(Sym)*>(entry)->st_size;
}

std::string printable(const char* bytes, std::size_t size) {
    std::string text(bytes, size);
    std::replace_if(text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
}

/// The part that says whether the rest may be read at all.
void checkHandshake(const PluginDescriptor& descriptor) {
    const std::size_t bytes = symbolSize(&descriptor);
    // Up to and including sdkVersion every version has the same shape.
    if (bytes < offsetof(PluginDescriptor, abiTag)) {
        refuse("descriptor has " + std::to_string(bytes) + " bytes, wanted " + std::to_string(sizeof(PluginDescriptor)));
    }
    if (std::string_view(descriptor.magic, sizeof descriptor.magic) != kMagic) {
        refuse("descriptor begins with \"" + printable(descriptor.magic, sizeof descriptor.magic) + "\", wanted \"" +
               std::string(kMagic) + "\"");
    }
    if (descriptor.sdkVersion != kSdkVersion) {
        refuse("built for SDK version " + std::to_string(descriptor.sdkVersion) + ", wanted " + std::to_string(kSdkVersion) +
               ". Rebuild the plugin with this program's headers");
    }
    if (descriptor.size != sizeof(PluginDescriptor) || bytes < sizeof(PluginDescriptor)) {
        refuse("descriptor has " + std::to_string(std::min<std::size_t>(descriptor.size, bytes)) + " bytes, wanted " +
               std::to_string(sizeof(PluginDescriptor)));
    }
    if (descriptor.abiTag == nullptr || std::strcmp(descriptor.abiTag, kAbiTag) != 0) {
        refuse("built for the ABI \"" + std::string(descriptor.abiTag == nullptr ? "" : descriptor.abiTag) + "\", wanted \"" +
               kAbiTag + "\". Rebuild the plugin with this program's compiler settings");
    }
}

std::string word(const char* text, const char* what) {
    const std::string value = text == nullptr ? "" : text;
    const bool clean = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '+';
    });
    if (!clean) refuse("descriptor has the " + std::string(what) + " \"" + value + "\", wanted lower-case letters, digits and -");
    return value;
}

std::string line(const char* text, const char* what) {
    if (text == nullptr) refuse("descriptor has no " + std::string(what) + ", wanted text");
    return text;
}

Option readOption(const OptionSpec& spec) {
    Option option{word(spec.name, "option name"), spec.type, {}, {}, spec.required};
    option.defaultValue = line(spec.defaultValue, "default of an option");
    option.help = line(spec.help, "help of an option");
    if (spec.type > OptionType::Secret) {
        refuse("option \"" + option.name + "\" has type " + std::to_string(static_cast<std::uint32_t>(spec.type)) +
               ", wanted at most " + std::to_string(static_cast<std::uint32_t>(OptionType::Secret)));
    }
    try {
        OptionValues ignored;
        if (!option.defaultValue.empty()) setOption(ignored, option, option.defaultValue);
    } catch (const Error& error) {
        throw error.within("default of option \"" + option.name + "\"");
    }
    return option;
}

std::vector<Option> readOptions(const PluginDescriptor& descriptor) {
    if (descriptor.optionCount > kMostOptions || (descriptor.optionCount > 0 && descriptor.options == nullptr)) {
        refuse("descriptor declares " + std::to_string(descriptor.optionCount) + " options but has no such table");
    }
    std::vector<Option> options;
    for (std::uint32_t i = 0; i < descriptor.optionCount; ++i) options.push_back(readOption(descriptor.options[i]));
    return options;
}

std::vector<std::string> readSchemes(const PluginDescriptor& descriptor) {
    const std::string all = line(descriptor.schemes, "list of URL schemes");
    std::vector<std::string> schemes;
    for (std::size_t begin = 0; (begin = all.find_first_not_of(' ', begin)) != std::string::npos;) {
        const std::size_t end = std::min(all.find(' ', begin), all.size());
        schemes.push_back(word(all.substr(begin, end - begin).c_str(), "URL scheme"));
        begin = end;
    }
    return schemes;
}

LoadedPlugin readDescriptor(const PluginDescriptor& descriptor, const std::filesystem::path& file) {
    checkHandshake(descriptor);
    if (descriptor.kind < PluginKind::Source || descriptor.kind > PluginKind::Codec) {
        refuse("descriptor has kind " + std::to_string(static_cast<std::uint32_t>(descriptor.kind)) +
               ", wanted 1 (source), 2 (transport) or 3 (codec)");
    }
    if (descriptor.create == nullptr || descriptor.destroy == nullptr) {
        refuse("descriptor lacks a function, wanted create and destroy");
    }
    LoadedPlugin plugin;
    plugin.kind = descriptor.kind;
    plugin.name = word(descriptor.name, "name");
    plugin.version = line(descriptor.version, "version");
    plugin.summary = line(descriptor.summary, "summary");
    plugin.file = file;
    plugin.options = readOptions(descriptor);
    plugin.schemes = readSchemes(descriptor);
    return plugin;
}

}  // namespace

ModulePtr loadModule(const std::filesystem::path& file) {
    boost::dll::shared_library library = openLibrary(file);
    if (!library.has(kDescriptorSymbol)) {
        refuse(std::string("is no plugin: found no symbol ") + kDescriptorSymbol +
               ", wanted the descriptor that one of the LITESTREAM_DECLARE_ macros exports");
    }
    const auto& descriptor = library.get<const PluginDescriptor>(kDescriptorSymbol);
    LoadedPlugin plugin = readDescriptor(descriptor, file);
    return std::make_shared<const Module>(std::move(library), descriptor, std::move(plugin));
}

}  // namespace litestream::plugin
