#include "config/Config.h"
#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>

namespace litestream::config {
namespace {

namespace fs = std::filesystem;

class Discovery : public ::testing::Test {
protected:
    void SetUp() override { ::unsetenv("LITESTREAM_CONFIG"); }

    fs::path write(const std::string& name, const std::string& text) const {
        std::ofstream(directory_ / name) << text;
        return directory_ / name;
    }

    litestream::test::TemporaryDirectory temporary_;
    const fs::path directory_ = temporary_.path();
};

TEST_F(Discovery, PrefersYamlAndFallsBackToIni) {
    EXPECT_EQ(defaultFile(directory_), directory_ / "litestream.yml") << "to be named as missing";
    write("litestream.ini", "");
    EXPECT_EQ(defaultFile(directory_), directory_ / "litestream.ini");
    write("litestream.yml", "");
    EXPECT_EQ(defaultFile(directory_), directory_ / "litestream.yml");
}

TEST_F(Discovery, TheEnvironmentBeatsTheSystemsFile) {
    write("litestream.yml", "");
    ::setenv("LITESTREAM_CONFIG", "/x/../y.yml", 1);
    EXPECT_EQ(defaultFile(directory_), "/y.yml");
    ::setenv("LITESTREAM_CONFIG", "", 1);
    EXPECT_EQ(defaultFile(directory_), directory_ / "litestream.yml") << "empty is not set";
    ::unsetenv("LITESTREAM_CONFIG");
}

TEST_F(Discovery, ReadsAFileByItsName) {
    const std::string ini = "[database app]\npath = /a\n";
    const std::string yaml = "dbs:\n- path: /a\n";
    EXPECT_EQ(readFile(write("a.ini", ini)).databases.size(), 1u);
    EXPECT_EQ(readFile(write("a.YML", yaml)).databases.size(), 1u);
    EXPECT_EQ(readFile(write("a.yaml", yaml)).databases.size(), 1u);
    EXPECT_THROW(readFile(write("b.ini", yaml)), Error);
    EXPECT_THROW(readFile(write("b.yml", ini)), Error);
}

TEST_F(Discovery, ReadsOtherNamesByTheirContent) {
    EXPECT_EQ(readFile(write("a.conf", "; comment\n# comment\n\n [database app]\npath = /a\n")).databases.size(), 1u);
    EXPECT_EQ(readFile(write("b", "# comment\n---\ndbs:\n- path: /a\n")).databases.size(), 1u);
    EXPECT_TRUE(readFile(write("c", "")).databases.empty());
}

TEST_F(Discovery, NamesAFileThatIsMissingOrNone) {
    try {
        readFile(directory_ / "no.yml");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_EQ(error.what(), "config file not found: " + (directory_ / "no.yml").string());
    }
    EXPECT_THROW(readFile(directory_), Error);
}

}  // namespace
}  // namespace litestream::config
