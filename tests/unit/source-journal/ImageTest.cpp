#include "Fixture.h"

namespace litestream::test {
namespace {

class Images : public SourceJournal {
protected:
    static std::vector<std::byte> contentOf(Image& image) {
        std::vector<std::byte> content(std::size_t{image.pageCount()} * image.pageSize());
        image.read(1, content);
        return content;
    }
    /// Larger than what one call copies.
    void makeLarge(App& app) {
        app.must(create("DELETE") + "; PRAGMA synchronous=OFF; CREATE TABLE large(x)");
        app.must("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<120) INSERT INTO large SELECT randomblob(1000000) FROM n");
    }
};

TEST_F(Images, IsTheCapturedStateHoweverTheDatabaseGoesOn) {
    App app(database);
    app.must(create("DELETE") + ";" + insertRows(500));
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    follower.captureAll();
    const auto state = readFile(database);
    const auto image = follower.image();
    EXPECT_EQ(image->position(), follower.position);
    app.must("UPDATE t SET a=randomblob(500);" + insertRows(100));
    follower.captureAll();
    EXPECT_TRUE(contentOf(*image) == state);
    follower.source().detach();
    EXPECT_TRUE(contentOf(*image) == state);
    EXPECT_TRUE(readFile(database) == follower.mirror().content());
}

TEST_F(Images, CommitsThatComeWhileItIsCopiedAreInIt) {
    App app(database);
    makeLarge(app);
    Follower follower(database);
    follower.attach();
    const auto state = readFile(database);
    const auto earlier = follower.image();
    app.must(kInsert);
    follower.captureAll();
    std::unique_ptr<Image> image;
    int attempts = 0;
    while (!image && attempts < 10000) {
        ++attempts;
        try {
            image = follower.source().image();
        } catch (const Error& error) {
            ASSERT_EQ(error.code(), ErrorCode::Transient);
            app.must("UPDATE t SET a=randomblob(500) WHERE id=1;" + std::string(kInsert));
            if (attempts % 3 == 0) app.must("UPDATE large SET x=zeroblob(1000000) WHERE rowid=" + std::to_string(attempts));
            follower.captureAll();
        }
    }
    ASSERT_TRUE(image);
    EXPECT_GT(attempts, 1);
    EXPECT_EQ(image->position(), follower.position);
    EXPECT_TRUE(contentOf(*image) == readFile(database));
    EXPECT_TRUE(contentOf(*earlier) == state);
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(Images, AnImageThatEndsALossIsOfOneState) {
    App app(database);
    makeLarge(app);
    Follower follower(database);
    follower.source().attach(nullptr);
    std::unique_ptr<Image> image;
    int attempts = 0;
    while (!image && attempts < 10000) {
        ++attempts;
        try {
            image = follower.source().image();
        } catch (const Error& error) {
            ASSERT_EQ(error.code(), ErrorCode::Transient);
            // Not at every attempt: with some commits it begins to compare again.
            if (attempts < 20) app.must("UPDATE large SET x=randomblob(1000000) WHERE rowid=" + std::to_string(attempts));
        }
    }
    ASSERT_TRUE(image);
    EXPECT_GT(attempts, 1);
    EXPECT_TRUE(contentOf(*image) == readFile(database));
}

TEST_F(Images, ACopyThatNobodyHasAnyMoreIsBroughtUpToDate) {
    App app(database);
    makeLarge(app);
    Follower follower(database);
    follower.attach();
    app.must("UPDATE large SET x=randomblob(1000000) WHERE rowid=7;" + insertRows(2000));
    follower.captureAll();
    const auto image = follower.image();
    EXPECT_TRUE(contentOf(*image) == readFile(database));
    EXPECT_EQ(image->position(), follower.position);
}

TEST_F(Images, TheDirectoryThatIsConfiguredTakesThem) {
    App app(database);
    app.must(create("DELETE"));
    Follower follower(database, {{"image-directory", (directory / "nowhere").string()}});
    ASSERT_EQ(follower.source().attach(nullptr).outcome, Attachment::Outcome::Lost);
    try {
        follower.source().image();
        ADD_FAILURE() << "an image without a place for it";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_NE(std::string(error.what()).find("nowhere"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace litestream::test
