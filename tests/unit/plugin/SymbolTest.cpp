#include "PluginDirectory.h"

#include <cstdio>
#include <memory>
#include <set>
#include <sstream>

namespace litestream::plugin {

namespace {

namespace fs = std::filesystem;

/// What the dynamic linker can see of `file`, one symbol a line: address, type, name.
std::vector<std::string> exportedSymbols(const fs::path& file) {
    const std::string command = "nm -D --defined-only -C '" + file.string() + "'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    std::vector<std::string> lines;
    char buffer[8192];
    while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe.get()) != nullptr) lines.emplace_back(buffer);
    return lines;
}

struct Symbol {
    explicit Symbol(const std::string& line) {
        std::istringstream in(line);
        std::string address;
        in >> address >> type >> std::ws;
        std::getline(in, name);
    }
    /// The standard library marks its templates as visible whatever the compiler is told; they are weak and nobody's contract.
    bool isVagueLinkage() const { return type == 'W' || type == 'V' || type == 'u'; }
    char type = '?';
    std::string name;
};

}  // namespace

TEST(Symbols, OfAShippedPluginAreItsDescriptorAndNothingElseOfOurs) {
    std::size_t plugins = 0;
    for (const auto& entry : fs::directory_iterator(LITESTREAM_BIN "/plugins")) {
        if (entry.path().extension() != ".so") continue;
        ++plugins;
        bool hasDescriptor = false;
        for (const std::string& line : exportedSymbols(entry.path())) {
            const Symbol symbol(line);
            if (symbol.name.starts_with("__odr_asan.")) continue;  // the address sanitizer's own
            if (symbol.name == kDescriptorSymbol) {
                hasDescriptor = true;
                continue;
            }
            EXPECT_TRUE(symbol.isVagueLinkage()) << entry.path() << " exports " << line;
            EXPECT_FALSE(symbol.name.starts_with("litestream::")) << entry.path() << " exports " << line;
        }
        EXPECT_TRUE(hasDescriptor) << entry.path();
    }
    EXPECT_GE(plugins, 2u);
}

TEST(Symbols, OfCoreAreInvisibleOutsideTheProgramThatLinksIt) {
    // The linker may move data of the SDK (the vtable of Error) into the program; that is still the SDK's.
    std::set<std::string> sdk;
    for (const std::string& line : exportedSymbols(LITESTREAM_BIN "/liblitestream_sdk.so")) sdk.insert(Symbol(line).name);
    for (const std::string& line : exportedSymbols(fs::read_symlink("/proc/self/exe"))) {
        const std::string name = Symbol(line).name;
        if (name.find("litestream::") != std::string::npos && !name.starts_with("std::")) {
            EXPECT_TRUE(sdk.contains(name)) << line;
        }
    }
}

TEST(Symbols, OfTheSdkAreOnlyItsOwn) {
    std::size_t own = 0;
    for (const std::string& line : exportedSymbols(LITESTREAM_BIN "/liblitestream_sdk.so")) {
        const Symbol symbol(line);
        if (symbol.name.find("litestream::") != std::string::npos) ++own;
        EXPECT_EQ(symbol.name.find("litestream::plugin::"), std::string::npos) << line;
        EXPECT_EQ(symbol.name.find("litestream::ltx::"), std::string::npos) << line;
    }
    EXPECT_GT(own, 10u);
}

}  // namespace litestream::plugin
