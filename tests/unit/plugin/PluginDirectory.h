#pragma once

#include "plugin/Registry.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace litestream::plugin {

/// A plugin directory of the test's own, into which it copies built plugins.
class PluginDirectory {
public:
    PluginDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "litestream-plugins-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp");
        path_ = name;
    }
    ~PluginDirectory() { std::filesystem::remove_all(path_); }
    PluginDirectory(const PluginDirectory&) = delete;
    PluginDirectory& operator=(const PluginDirectory&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

    /// Copies tests/plugins/NAME.so and returns where it is now.
    std::filesystem::path add(const std::string& name, const std::string& as = {}) const {
        const auto target = path_ / ((as.empty() ? name : as) + ".so");
        std::filesystem::copy_file(std::string(LITESTREAM_TEST_PLUGINS "/") + name + ".so", target);
        std::filesystem::permissions(target, std::filesystem::perms(0755));
        return target;
    }

    std::filesystem::path write(const std::string& name, const std::string& content) const {
        std::ofstream(path_ / name, std::ios::binary) << content;
        std::filesystem::permissions(path_ / name, std::filesystem::perms(0755));
        return path_ / name;
    }

    std::unique_ptr<Registry> load() const { return Registry::load({path_}); }

private:
    std::filesystem::path path_;
};

/// The Error that `action` throws; the test fails when it throws none.
template <class Action>
Error errorOf(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no Error was thrown";
    return Error(ErrorCode::Cancelled, "nothing was thrown");
}

/// Names and values, in place.
inline OptionValues values(std::initializer_list<std::pair<const char*, const char*>> pairs) {
    OptionValues options;
    for (const auto& [name, value] : pairs) options.set(name, value);
    return options;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace litestream::plugin
