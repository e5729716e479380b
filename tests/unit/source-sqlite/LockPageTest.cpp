#include "Fixture.h"

#include <algorithm>

namespace litestream::test {
namespace {

/// Keeps page numbers only: the database has a gibibyte.
class NumberSink final : public PageSink {
public:
    void page(PageNumber number, ConstBytes) override { numbers.push_back(number); }
    std::vector<PageNumber> numbers;
};

TEST_F(SourceSqlite, T19_GrowsAcrossTheLockPage) {
    constexpr std::uint32_t kPageSize = 65536;
    const PageNumber lock = lockPage(kPageSize);
    App app(database);
    app.must(
        "PRAGMA page_size=65536; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB); "
        "INSERT INTO t(a) VALUES(zeroblob(536000000)); INSERT INTO t(a) VALUES(zeroblob(537000000))");
    app.must("PRAGMA journal_mode=WAL");
    ASSERT_LT(std::stoul(app.must("PRAGMA page_count")), lock - 1);

    Follower follower(database);
    follower.attachment = follower.source().attach(nullptr);
    ASSERT_EQ(follower.attachment.outcome, Attachment::Outcome::Lost);
    follower.source().release(follower.source().image()->position());
    // Steps of one page, so that the database also ends directly before the lock page and directly behind it.
    NumberSink sink;
    std::uint32_t commit = 0;
    std::vector<std::uint32_t> commits;
    while (commit < lock + 3) {
        app.must("INSERT INTO t(a) VALUES(zeroblob(65000))");
        const auto capture = follower.source().capture(64u << 20, sink);
        ASSERT_EQ(capture.outcome, Capture::Outcome::Captured) << capture.reason;
        follower.source().release(capture.position);
        commit = capture.commit;
        commits.push_back(commit);
    }
    EXPECT_NE(std::find(commits.begin(), commits.end(), lock - 1), commits.end());
    EXPECT_EQ(std::find(sink.numbers.begin(), sink.numbers.end(), lock), sink.numbers.end());
    EXPECT_NE(std::find(sink.numbers.begin(), sink.numbers.end(), lock + 1), sink.numbers.end());

    const auto image = follower.source().image();
    std::vector<std::byte> pages(std::size_t{3} * kPageSize, std::byte{1});
    image->read(lock - 1, pages);
    EXPECT_TRUE(std::all_of(pages.begin() + kPageSize, pages.begin() + 2 * kPageSize,
                            [](std::byte byte) { return byte == std::byte{0}; }));
}

}  // namespace
}  // namespace litestream::test
