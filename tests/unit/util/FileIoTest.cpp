#include "support/TemporaryDirectory.h"
#include "util/FileIo.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace litestream {
namespace {

namespace fs = std::filesystem;

class FileIo : public testing::Test {
protected:
    static ConstBytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
    static std::string read(const fs::path& file) {
        std::ostringstream out;
        out << std::ifstream(file, std::ios::binary).rdbuf();
        return out.str();
    }

    litestream::test::TemporaryDirectory temporary_;
    const fs::path directory_ = temporary_.path();
};

TEST_F(FileIo, ReplacesAFileAsAWhole) {
    const fs::path file = directory_ / "state";
    replaceFileDurably(file, bytes("first, and longer"));
    replaceFileDurably(file, bytes("second"));
    EXPECT_EQ(read(file), "second");
    EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1) << "nothing else may stay";
}

TEST_F(FileIo, GivesTheFileItsMode) {
    replaceFileDurably(directory_ / "secret", bytes("x"), 0600);
    struct stat info {};
    ASSERT_EQ(::stat((directory_ / "secret").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FileIo, KeepsTheOldContentWhenItCannotReplaceIt) {
    const fs::path file = directory_ / "state";
    fs::create_directories(file / "in-the-way");
    EXPECT_THROW(replaceFileDurably(file, bytes("new")), Error);
    EXPECT_TRUE(fs::exists(file / "in-the-way"));
    EXPECT_FALSE(fs::exists(directory_ / "state.tmp"));
}

TEST_F(FileIo, NamesTheFileAndClassifiesTheError) {
    try {
        replaceFileDurably(directory_ / "missing" / "state", bytes("new"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_NE(std::string(error.what()).find("missing/state"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace litestream
