#include "ShippedPlugins.h"
#include "litestream-conformance/suites/Expect.h"
#include "litestream-conformance/suites/MemoryBody.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace litestream::conformance {

namespace {

namespace fs = std::filesystem;

/// A directory of its own with a replica root that does not exist yet.
class FileRoot {
public:
    FileRoot() {
        std::string name = (fs::temp_directory_path() / "litestream-conformance-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp");
        directory_ = name;
    }
    ~FileRoot() { fs::remove_all(directory_); }
    FileRoot(const FileRoot&) = delete;
    FileRoot& operator=(const FileRoot&) = delete;

    fs::path root() const { return directory_ / "replicas" / "db"; }

    std::shared_ptr<Transport> open() const {
        OptionValues options;
        options.set("path", root().string());
        return shippedPlugins().openTransport("file", options);
    }

private:
    fs::path directory_;
};

class FileTransport : public testing::Test {
protected:
    void put(const std::string& key, const std::string& content, const PutOptions& options = {}) {
        MemoryBody body(content);
        transport_->put(key, body, options, {});
    }
    std::vector<std::string> list(std::string_view prefix = {}) {
        std::vector<std::string> keys;
        for (const ObjectInfo& info : transport_->list(prefix, {}, 1000, {})) keys.push_back(info.key);
        return keys;
    }
    void touch(const std::string& name) { std::ofstream(root_.root() / name) << "x"; }
    static mode_t modeOf(const fs::path& path) {
        struct stat status{};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    }
    std::size_t filesIn(const std::string& directory) {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(root_.root() / directory), {}));
    }

    FileRoot root_;
    std::shared_ptr<Transport> transport_ = root_.open();
};

}  // namespace

TEST_F(FileTransport, GivesUpstreamsModesByDefault) {
    put("ltx/0/a", "x");
    EXPECT_EQ(modeOf(root_.root() / "ltx/0/a"), 0600u);
    EXPECT_EQ(modeOf(root_.root() / "ltx/0"), 0700u);
    EXPECT_EQ(modeOf(root_.root()), 0700u);
}

TEST_F(FileTransport, GivesTheModesItIsToldDespiteTheUmask) {
    PutOptions options;
    options.attributes.fileMode = 0664;
    options.attributes.directoryMode = 0775;
    const mode_t before = ::umask(077);
    put("ltx/0/a", "x", options);
    ::umask(before);
    EXPECT_EQ(modeOf(root_.root() / "ltx/0/a"), 0664u);
    EXPECT_EQ(modeOf(root_.root() / "ltx/0"), 0775u);
}

TEST_F(FileTransport, DoesNotFailWhenItMayNotChangeTheOwner) {
    PutOptions options;
    options.attributes.owner = {::geteuid() == 0 ? 12345u : 0u, ::getegid()};
    put("ltx/0/a", "x", options);
    EXPECT_EQ(list(), std::vector<std::string>{"ltx/0/a"});
}

TEST_F(FileTransport, LeavesNoTemporaryFileBehind) {
    put("ltx/0/a", "x");
    MemoryBody body("something", 2);
    body.beforeRun([](std::size_t taken) {
        if (taken > 4) throw Error(ErrorCode::Transient, "torn");
    });
    EXPECT_THROW(transport_->put("ltx/0/b", body, {}, {}), Error);
    PutOptions options;
    options.onlyIfAbsent = true;
    EXPECT_THROW(put("ltx/0/a", "y", options), Error);
    EXPECT_EQ(filesIn("ltx/0"), 1u);
}

TEST_F(FileTransport, PublishesNothingThatIsCancelledAtTheLastMoment) {
    CancellationSource source;
    MemoryBody body("whole");
    body.beforeRun([&](std::size_t taken) {
        if (taken == 5) source.cancel();
    });
    const CallContext context = CallContext::within(std::chrono::minutes(1), source.token());
    EXPECT_EQ(codeOf([&] { transport_->put("ltx/0/a", body, {}, context); }), ErrorCode::Cancelled);
    EXPECT_EQ(filesIn("ltx/0"), 0u);
}

TEST_F(FileTransport, T66_ClearsAwayWhatKilledProcessesLeft) {
    const fs::path directory = root_.root() / "ltx/0";
    fs::create_directories(directory);
    // Beyond every possible process number, a living process, too young, and names that are not ours.
    const std::string self = std::to_string(::getpid());
    const std::vector<std::string> kept{".b." + self + ".1.tmp", ".tmp", "0-0.ltx.tmp", ".c.2147483647.tmp", ".young.2147483647.1.tmp"};
    touch("ltx/0/.a.2147483647.12.tmp");
    for (const std::string& name : kept) touch("ltx/0/" + name);
    for (const auto& entry : fs::directory_iterator(directory)) {
        if (entry.path().filename() == ".young.2147483647.1.tmp") continue;
        fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
    put("ltx/0/a", "x");
    EXPECT_FALSE(fs::exists(directory / ".a.2147483647.12.tmp"));
    for (const std::string& name : kept) EXPECT_TRUE(fs::exists(directory / name)) << name;
}

TEST_F(FileTransport, DoesNotListUnfinishedFilesOrOtherThings) {
    put("ltx/0/a", "x");
    touch("ltx/0/0000000000000002-0000000000000002.ltx.tmp");
    touch("ltx/0/.b.1.1.tmp");
    fs::create_directory(root_.root() / "ltx/0/directory.ltx");
    ASSERT_EQ(::mkfifo((root_.root() / "ltx/0/pipe").c_str(), 0600), 0);
    fs::create_symlink("/nowhere/at/all", root_.root() / "ltx/0/dangling");
    EXPECT_EQ(list("ltx/0/"), std::vector<std::string>{"ltx/0/a"});
    EXPECT_THROW(transport_->head("ltx/0/pipe", {}), Error);
}

TEST_F(FileTransport, RefusesToWriteWhatItWouldNotList) {
    EXPECT_EQ(codeOf([&] { put("ltx/0/a.tmp", "x"); }), ErrorCode::InvalidArgument);
}

TEST_F(FileTransport, FollowsALinkToADirectoryElsewhere) {
    FileRoot other;
    fs::create_directories(other.root());
    fs::create_directories(root_.root() / "ltx");
    fs::create_directory_symlink(other.root(), root_.root() / "ltx/9");
    put("ltx/9/a", "x");
    EXPECT_TRUE(fs::exists(other.root() / "a"));
    EXPECT_EQ(list(), std::vector<std::string>{"ltx/9/a"});
}

TEST_F(FileTransport, CallsAFileInTheWayOfADirectoryAnError) {
    put("ltx/0/a", "x");
    touch("ltx/1");
    EXPECT_THROW(list("ltx/1/"), Error);
    EXPECT_THROW(put("ltx/1/a", "x"), Error);
}

TEST_F(FileTransport, MakesADirectoryAgainThatSomebodyRemoved) {
    put("ltx/0/a", "x");
    fs::remove_all(root_.root());
    put("ltx/0/b", "y");
    EXPECT_EQ(list(), std::vector<std::string>{"ltx/0/b"});
}

TEST_F(FileTransport, HoldsNoDescriptorBetweenCalls) {
    const auto descriptors = [] {
        return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
    };
    const auto before = descriptors();
    put("ltx/0/a", "x");
    list();
    transport_->head("ltx/0/a", {});
    EXPECT_EQ(descriptors(), before);
}

class FileUrl : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(FileUrl, StandsForThePathThatUpstreamReads) {
    const auto [url, path] = GetParam();
    EXPECT_EQ(shippedPlugins().parseUrl(url).options.text("path"), path);
}

INSTANTIATE_TEST_SUITE_P(Urls, FileUrl,
                         testing::Values(std::pair{"file:///backup/db", "/backup/db"}, std::pair{"FILE:///backup", "/backup"},
                                         std::pair{"file:///a b", "/a%20b"}, std::pair{"file:///a%20b", "/a%20b"},
                                         std::pair{"file:///a(b)", "/a(b)"}, std::pair{"file://rel/x", "/rel/x"},
                                         std::pair{"file:///a//b/./../c/", "/a/c"}, std::pair{"file:///a?x=1", "/a"},
                                         std::pair{"file:///\u00e9", "/%C3%A9"}, std::pair{"file:/a", "/a"},
                                         std::pair{"file:///..", "/"}));

TEST(FileUrls, WithoutAPathAreRefused) {
    for (const char* url : {"file://", "file:", "file://?x=1"}) {
        try {
            shippedPlugins().parseUrl(url);
            ADD_FAILURE() << url;
        } catch (const Error& error) {
            EXPECT_STREQ(error.what(), "file replica path required");
            EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        }
    }
    EXPECT_EQ(codeOf([] { shippedPlugins().parseUrl("file:///a%zz"); }), ErrorCode::InvalidArgument);
}

}  // namespace litestream::conformance
