#include "PluginDirectory.h"

#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace litestream::plugin {

namespace {

namespace fs = std::filesystem;

/// The names that the dynamic linker can see of `file`.
std::vector<std::string> exportedSymbols(const fs::path& file) {
    const std::string command = "nm -D --defined-only --format=just-symbols -C '" + file.string() + "'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    std::vector<std::string> names;
    char buffer[8192];
    while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe.get()) != nullptr) {
        names.emplace_back(buffer);
        names.back().resize(names.back().find_last_not_of('\n') + 1);
    }
    return names;
}

}  // namespace

TEST(Symbols, OfAShippedPluginAreItsDescriptorAndNothingElse) {
    std::size_t plugins = 0;
    for (const auto& entry : fs::directory_iterator(LITESTREAM_BIN "/plugins")) {
        if (entry.path().extension() != ".so") continue;
        ++plugins;
        EXPECT_EQ(exportedSymbols(entry.path()), std::vector<std::string>{kDescriptorSymbol}) << entry.path();
    }
    EXPECT_GE(plugins, 2u);
}

TEST(Symbols, OfCoreAreInvisibleOutsideTheProgramThatLinksIt) {
    // The linker may move data of the SDK (the vtable of Error) into the program; that is still the SDK's.
    const std::vector<std::string> names = exportedSymbols(LITESTREAM_BIN "/liblitestream_sdk.so");
    const std::set<std::string> sdk(names.begin(), names.end());
    for (const std::string& name : exportedSymbols(fs::read_symlink("/proc/self/exe"))) {
        if (name.find("litestream::") != std::string::npos && !name.starts_with("std::")) {
            EXPECT_TRUE(sdk.contains(name)) << name;
        }
    }
}

TEST(Symbols, OfTheSdkAreOnlyItsOwn) {
    std::size_t own = 0;
    for (const std::string& name : exportedSymbols(LITESTREAM_BIN "/liblitestream_sdk.so")) {
        if (name.find("litestream::") != std::string::npos) ++own;
        EXPECT_EQ(name.find("litestream::plugin::"), std::string::npos) << name;
        EXPECT_EQ(name.find("litestream::ltx::"), std::string::npos) << name;
    }
    EXPECT_GT(own, 10u);
}

}  // namespace litestream::plugin
