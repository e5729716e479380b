#include "plugin/PluginSearch.h"

#include <litestream/Error.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace litestream::plugin {

namespace fs = std::filesystem;

std::vector<fs::path> programDirectories() {
    std::error_code failure;
    const fs::path program = fs::read_symlink("/proc/self/exe", failure);
    if (failure) return {};
    const fs::path home = program.parent_path();
    return {home / "plugins", (home / "../lib/litestream/plugins").lexically_normal()};
}

std::vector<fs::path> environmentDirectories() {
    const char* value = std::getenv("LITESTREAM_PLUGIN_PATH");
    std::vector<fs::path> directories;
    std::string_view rest = value == nullptr ? std::string_view() : std::string_view(value);
    while (!rest.empty()) {
        const std::size_t colon = std::min(rest.find(':'), rest.size());
        if (colon > 0) directories.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return directories;
}

std::vector<fs::path> pluginFiles(const fs::path& directory) {
    std::error_code failure;
    std::vector<fs::path> files;
    for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure)) {
        if (entry->path().extension() == ".so") files.push_back(entry->path());
    }
    if (failure) throw systemError("read directory", failure.value());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace litestream::plugin
