#include "Fixture.h"

namespace litestream::test {
namespace {

class Crash : public SourceJournal, public ::testing::WithParamInterface<const char*> {
protected:
    /// Leaves the file half written and a journal beside it that nobody has rolled back.
    void dieInTheMiddle() {
        App app(database);
        app.must(std::string("PRAGMA journal_mode=") + GetParam() + "; PRAGMA synchronous=OFF; PRAGMA cache_size=5; BEGIN; UPDATE t SET a=randomblob(500)");
        app.kill();
        ASSERT_GT(std::filesystem::file_size(journalPath()), 0u);
    }
};
INSTANTIATE_TEST_SUITE_P(SourceJournal, Crash, ::testing::Values("DELETE", "TRUNCATE", "PERSIST"),
                         nameOf);

TEST_P(Crash, AHalfWrittenStateIsNeverCaptured) {
    {
        App app(database);
        app.must(create(GetParam()) + ";" + insertRows(2000));
    }
    Follower follower(database);
    follower.attach();
    const auto committed = readFile(database);
    dieInTheMiddle();
    ASSERT_FALSE(readFile(database) == committed) << "nothing was spilled";
    const auto left = traceOf(directory);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Unchanged);
    EXPECT_TRUE(follower.mirror().content() == committed);
    EXPECT_NE(follower.source().status().state.find("rolled back"), std::string::npos) << follower.source().status().state;
    EXPECT_TRUE(left == traceOf(directory)) << "the journal is the application's";

    App app(database);
    app.must("SELECT count(*) FROM t");
    EXPECT_TRUE(readFile(database) == committed);
    app.must(kInsert);
    expectMirrorIsDatabase(follower);
    EXPECT_EQ(follower.losses, 0u);
    EXPECT_EQ(follower.source().status().state, "following");
}

TEST_P(Crash, AHalfWrittenStateIsNotAttachedTo) {
    {
        App app(database);
        app.must(create(GetParam()) + ";" + insertRows(2000));
    }
    dieInTheMiddle();
    const auto left = traceOf(directory);
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Detached);
    EXPECT_NE(follower.attachment.reason.find("rolled back"), std::string::npos) << follower.attachment.reason;
    EXPECT_TRUE(left == traceOf(directory));
    App app(database);
    app.must("SELECT count(*) FROM t");
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_P(Crash, NoImageIsMadeOfAHalfWrittenState) {
    {
        App app(database);
        app.must(create(GetParam()) + ";" + insertRows(2000));
    }
    Follower follower(database);
    follower.attach();
    const auto first = follower.image();
    App(database).must(kInsert);
    follower.captureAll();  // from now on the next image needs a new copy
    dieInTheMiddle();
    EXPECT_THROW(follower.source().image(), Error);
}

}  // namespace
}  // namespace litestream::test
