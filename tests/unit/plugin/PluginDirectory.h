#pragma once

#include "plugin/Registry.h"
#include "support/ErrorOf.h"
#include "support/TemporaryDirectory.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace litestream::plugin {

/// A plugin directory of the test's own, into which it copies built plugins.
class PluginDirectory {
public:
    const std::filesystem::path& path() const noexcept { return directory_.path(); }

    /// Copies tests/plugins/NAME.so and returns where it is now.
    std::filesystem::path add(const std::string& name, const std::string& as = {}) const {
        const auto target = directory_ / ((as.empty() ? name : as) + ".so");
        std::filesystem::copy_file(std::string(LITESTREAM_TEST_PLUGINS "/") + name + ".so", target);
        std::filesystem::permissions(target, std::filesystem::perms(0755));
        return target;
    }

    std::filesystem::path write(const std::string& name, const std::string& content) const {
        std::ofstream(directory_ / name, std::ios::binary) << content;
        std::filesystem::permissions(directory_ / name, std::filesystem::perms(0755));
        return directory_ / name;
    }

    std::unique_ptr<Registry> load() const { return Registry::load({path()}); }

private:
    litestream::test::TemporaryDirectory directory_;
};

using litestream::test::errorOf;

/// Names and values, in place.
inline OptionValues values(std::initializer_list<std::pair<const char*, const char*>> pairs) {
    OptionValues options;
    for (const auto& [name, value] : pairs) options.set(name, value);
    return options;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace litestream::plugin
