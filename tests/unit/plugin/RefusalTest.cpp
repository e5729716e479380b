#include "PluginDirectory.h"

#include <unistd.h>

namespace litestream::plugin {

namespace {

namespace fs = std::filesystem;

std::string readFile(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Loads a directory that holds a good plugin and one bad file, and returns why the bad one was refused. The good one must be fine.
class Refusal : public testing::Test {
protected:
    Refusal() { directory_.add("codec-good"); }

    std::string reason(const fs::path& file) const {
        const auto registry = directory_.load();
        EXPECT_NE(registry->find(PluginKind::Codec, "good"), nullptr) << "the good plugin was disturbed";
        EXPECT_EQ(registry->plugins().size(), 1u);
        if (registry->refused().size() != 1) {
            ADD_FAILURE() << registry->refused().size() << " files refused";
            return {};
        }
        EXPECT_EQ(registry->refused()[0].file, file);
        return registry->refused()[0].reason;
    }

    void expectReason(const fs::path& file, std::initializer_list<const char*> parts) const {
        const std::string text = reason(file);
        for (const char* part : parts) EXPECT_TRUE(contains(text, part)) << text << "\nlacks: " << part;
    }

    PluginDirectory directory_;
};

}  // namespace

TEST_F(Refusal, OfATextFile) { expectReason(directory_.write("codec-text.so", "not code\n"), {"no shared object", "ELF magic"}); }

TEST_F(Refusal, OfAnEmptyFile) { expectReason(directory_.write("codec-empty.so", ""), {"no shared object"}); }

TEST_F(Refusal, OfGarbageBehindAnElfMagic) {
    expectReason(directory_.write("codec-garbage.so", std::string("\x7f" "ELF", 4) + std::string(200, '\x99')),
                 {"another machine", "found ELF class", "wanted class 2"});
}

TEST_F(Refusal, OfAFileThatIsCutOff) {
    const std::string whole = readFile(LITESTREAM_TEST_PLUGINS "/codec-twin.so");
    expectReason(directory_.write("codec-cut.so", whole.substr(0, 40)), {"cut off", "found 40 bytes"});
}

TEST_F(Refusal, OfALibraryThatEndsEarly) {
    const std::string whole = readFile(LITESTREAM_TEST_PLUGINS "/codec-twin.so");
    expectReason(directory_.write("codec-half.so", whole.substr(0, 300)), {"cannot be loaded"});
}

TEST_F(Refusal, OfAnotherMachine) {
    std::string bytes = readFile(LITESTREAM_TEST_PLUGINS "/codec-twin.so");
    bytes[18] = '\x02';  // e_machine: SPARC
    bytes[19] = '\0';
    expectReason(directory_.write("codec-sparc.so", bytes), {"another machine", "machine 2,", "wanted"});
}

TEST_F(Refusal, OfALibraryWithoutDescriptor) {
    expectReason(directory_.add("codec-no-descriptor"), {"no symbol litestream_plugin", "LITESTREAM_DECLARE_"});
}

TEST_F(Refusal, OfAnotherMagic) {
    expectReason(directory_.add("codec-wrong-magic"), {"\"LSPLUGON\"", "wanted \"LSPLUGIN\""});
}

TEST_F(Refusal, OfAnotherSize) { expectReason(directory_.add("codec-wrong-size"), {"24 bytes", "wanted"}); }

TEST_F(Refusal, OfASymbolThatIsNoDescriptor) { expectReason(directory_.add("codec-small-symbol"), {"4 bytes", "wanted"}); }

TEST_F(Refusal, OfAnotherSdkVersion) {
    expectReason(directory_.add("codec-wrong-version"), {"SDK version 999", "wanted 1", "Rebuild"});
}

TEST_F(Refusal, OfAnotherAbi) { expectReason(directory_.add("codec-wrong-abi"), {"itanium/libc++/lp64", kAbiTag, "Rebuild"}); }

TEST_F(Refusal, OfAnUnknownKind) { expectReason(directory_.add("codec-wrong-kind"), {"kind 77", "wanted"}); }

TEST_F(Refusal, OfANameThatIsNone) { expectReason(directory_.add("codec-wrong-name"), {"\"No Name\"", "wanted"}); }

TEST_F(Refusal, OfAMissingOptionTable) { expectReason(directory_.add("codec-no-table"), {"3 options"}); }

TEST_F(Refusal, OfAnUnresolvedSymbol) {
    expectReason(directory_.add("codec-unresolved"), {"cannot be loaded", "litestream_nobody_defines_this"});
}

TEST_F(Refusal, OfANameThatIsTaken) {
    expectReason(directory_.add("codec-twin"), {"codec plugin \"good\"", "already loaded from", "codec-good.so"});
}

TEST_F(Refusal, OfAFileThatOthersMayWrite) {
    const auto file = directory_.add("codec-twin", "codec-open");
    fs::permissions(file, fs::perms(0777));
    expectReason(file, {"mode 0777", "chmod go-w", "codec-open.so"});
    fs::permissions(file, fs::perms(0775));
    expectReason(file, {"mode 0775"});
}

TEST_F(Refusal, OfAFileThatBelongsToSomebodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    const auto file = directory_.add("codec-twin");
    ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
    expectReason(file, {"belongs to user 12345", "wanted root"});
}

TEST_F(Refusal, OfADirectoryNamedLikeAPlugin) {
    fs::create_directory(directory_.path() / "codec-directory.so");
    expectReason(directory_.path() / "codec-directory.so", {"no regular file"});
}

TEST_F(Refusal, OfALinkIntoADirectoryThatOthersMayWrite) {
    PluginDirectory open;
    const auto target = open.add("codec-plain");
    fs::permissions(open.path(), fs::perms(0777));
    fs::create_symlink(target, directory_.path() / "codec-link.so");
    expectReason(directory_.path() / "codec-link.so", {"directory has mode 0777"});
}

TEST_F(Refusal, OfALinkThatLeadsNowhere) {
    fs::create_symlink("/nowhere/at/all.so", directory_.path() / "codec-dangling.so");
    expectReason(directory_.path() / "codec-dangling.so", {"no such file"});
}

TEST(RefusedDirectory, ThatOthersMayWriteHidesAllItsFilesButNotOtherDirectories) {
    PluginDirectory open;
    PluginDirectory closed;
    open.add("codec-good");
    closed.add("codec-plain");
    fs::permissions(open.path(), fs::perms(0777));
    const auto registry = Registry::load({open.path(), closed.path()});
    EXPECT_EQ(registry->find(PluginKind::Codec, "good"), nullptr);
    EXPECT_NE(registry->find(PluginKind::Codec, "plain"), nullptr);
    ASSERT_EQ(registry->refused().size(), 1u);
    EXPECT_EQ(registry->refused()[0].file, open.path());
    EXPECT_TRUE(contains(registry->refused()[0].reason, "directory has mode 0777")) << registry->refused()[0].reason;
    // Who asks for what may be in there is told.
    const Error error = errorOf([&] { registry->openCodec("good", {}); });
    EXPECT_TRUE(contains(error.what(), open.path().string() + " was refused")) << error.what();
}

TEST(RefusedScheme, BelongsToTheFirstThatTakesIt) {
    PluginDirectory directory;
    directory.add("transport-faulty", "a");
    const auto second = directory.add("transport-scheme-thief", "b");
    const auto registry = directory.load();
    ASSERT_EQ(registry->refused().size(), 1u);
    EXPECT_EQ(registry->refused()[0].file, second);
    EXPECT_TRUE(contains(registry->refused()[0].reason, "URL scheme \"faulty\"")) << registry->refused()[0].reason;
}

TEST(MissingPlugin, IsAnErrorThatSaysWhereWasLookedAndWhatWasRefused) {
    PluginDirectory directory;
    directory.add("codec-wrong-version", "codec-zstd");
    directory.add("codec-wrong-abi", "codec-other");
    const auto registry = Registry::load({directory.path(), directory.path() / "absent"});
    const Error error = errorOf([&] { registry->openCodec("zstd", {}); });
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    const std::string text = error.what();
    EXPECT_TRUE(contains(text, "codec plugin \"zstd\" not found")) << text;
    EXPECT_TRUE(contains(text, "absent (does not exist)")) << text;
    EXPECT_TRUE(contains(text, "codec-zstd.so was refused: built for SDK version 999")) << text;
    EXPECT_FALSE(contains(text, "codec-other")) << text;
}

TEST(MissingPlugin, IsOfTheKindThatWasAskedFor) {
    PluginDirectory directory;
    directory.add("codec-faulty");
    const auto registry = directory.load();
    EXPECT_EQ(errorOf([&] { registry->openTransport("faulty", {}); }).code(), ErrorCode::Unsupported);
}

}  // namespace litestream::plugin
