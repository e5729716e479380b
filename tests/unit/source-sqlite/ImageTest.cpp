#include "Fixture.h"

#include <atomic>
#include <cstring>
#include <thread>

namespace litestream::test {
namespace {

class ImageTest : public SourceSqlite {
protected:
    ImageTest() {
        app.must(kCreate);
        app.must(insertRows(200));
    }
    static std::vector<std::byte> readAll(Image& image, std::uint32_t step) {
        std::vector<std::byte> bytes(std::size_t{image.pageCount()} * image.pageSize());
        for (std::uint32_t page = 1; page <= image.pageCount(); page += step) {
            const auto pages = std::min(step, image.pageCount() - page + 1);
            image.read(page, MutableBytes(bytes).subspan(std::size_t{page - 1} * image.pageSize(),
                                                         std::size_t{pages} * image.pageSize()));
        }
        return bytes;
    }
    App app{database};
};

TEST_F(ImageTest, T06_ImageIsTheStateOfItsLabel) {
    Follower follower(database);
    follower.attach();
    for (int round = 0; round < 12; ++round) {
        app.must("UPDATE t SET a=randomblob(500) WHERE id%5=" + std::to_string(round % 5));
        follower.captureAll();
        if (round % 3 == 1) app.must("PRAGMA wal_checkpoint(PASSIVE)");
        follower.captureAll();
        const auto expected = follower.mirror().content();
        const auto image = follower.source().image();
        EXPECT_EQ(image->position(), follower.position);
        // Commits, checkpoints and captures go on beside the image.
        app.must("UPDATE t SET a=randomblob(500)");
        app.must("PRAGMA wal_checkpoint(PASSIVE)");
        app.run("PRAGMA wal_checkpoint(TRUNCATE)");
        follower.captureAll();
        app.must(insertRows(30));
        app.must("PRAGMA wal_checkpoint(PASSIVE)");
        follower.captureAll();
        EXPECT_TRUE(readAll(*image, 1 + static_cast<std::uint32_t>(round)) == expected) << "round " << round;
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(ImageTest, CannotPinAStateThatIsCheckpointedOver) {
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    EXPECT_THROW(follower.source().image(), Error);
    follower.captureAll();
    EXPECT_NO_THROW(follower.source().image());
}

TEST_F(ImageTest, OlderStateCanBePinnedWhileNothingNewerIsCheckpointed) {
    Follower follower(database);
    follower.attach();
    const auto expected = follower.mirror().content();
    app.must("PRAGMA wal_autocheckpoint=0");
    app.must("UPDATE t SET a=randomblob(500)");
    const auto image = follower.source().image();
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    EXPECT_TRUE(readAll(*image, 7) == expected);
}

TEST_F(ImageTest, T45_PersistentReadersDoNotPreventAnImage) {
    std::vector<std::unique_ptr<App>> readers;
    for (int i = 0; i < 5; ++i) {
        app.must(kInsert);
        readers.push_back(std::make_unique<App>(database));
        readers.back()->must("BEGIN; SELECT count(*) FROM t");
    }
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Lost);
    app.must(kInsert);
    follower.captureAll();
    const auto expected = follower.mirror().content();
    const auto image = follower.source().image();
    EXPECT_TRUE(readAll(*image, 10) == expected);
}

TEST_F(ImageTest, OutlivesTheAttachment) {
    Follower follower(database);
    follower.attach();
    const auto expected = follower.mirror().content();
    auto image = follower.source().image();
    follower.source().detach();
    app.must("UPDATE t SET a=randomblob(500)");
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    EXPECT_TRUE(readAll(*image, 10) == expected);
    EXPECT_EQ(follower.source().attach(nullptr).outcome, Attachment::Outcome::Detached);
    image = nullptr;
    EXPECT_EQ(follower.source().attach(nullptr).outcome, Attachment::Outcome::Lost);
}

TEST_F(ImageTest, IsUsedOnAnotherThreadWhileTheSourceCaptures) {
    Follower follower(database);
    follower.attach();
    const auto expected = follower.mirror().content();
    auto image = follower.source().image();
    app.must("PRAGMA busy_timeout=1000");
    app.send("loop 500 UPDATE t SET a=randomblob(500) WHERE id%7=1");
    std::thread reader([&, owned = std::move(image)]() mutable {
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(readAll(*owned, 3) == expected);
        owned = nullptr;
    });
    std::atomic<bool> done = false;
    std::thread waiter([&] {
        EXPECT_EQ(app.receive().rc, 0);
        done = true;
    });
    EXPECT_TRUE(follower.followUntil([&] { return done.load(); }));
    reader.join();
    waiter.join();
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(ImageTest, IsGivenUpBeforeTheDiskIsFull) {
    Follower follower(database, {{"wal-limit-soft", "100KB"}, {"wal-limit-hard", "500KB"}});
    follower.attach();
    const auto image = follower.source().image();
    app.must("PRAGMA wal_autocheckpoint=0");
    for (int i = 0; i < 10; ++i) {
        app.must(insertRows(100));
        follower.captureAll();
    }
    std::vector<std::byte> page(4096);
    try {
        image->read(1, page);
        ADD_FAILURE() << "the image is still pinned";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Transient);
    }
    expectMirrorIsDatabase(follower);
}

TEST_F(ImageTest, RefusesPagesThatDoNotExist) {
    Follower follower(database);
    follower.attach();
    const auto image = follower.source().image();
    std::vector<std::byte> page(4096);
    EXPECT_THROW(image->read(0, page), Error);
    EXPECT_THROW(image->read(image->pageCount() + 1, page), Error);
    EXPECT_NO_THROW(image->read(image->pageCount(), page));
}

}  // namespace
}  // namespace litestream::test
