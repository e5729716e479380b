#include "Fixture.h"

#include "support/ErrorOf.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace litestream::levels::test {
namespace {

using litestream::test::errorOf;

class CompactorTest : public StoreTest {
protected:
    Compactor compactor() { return {*replicas_, codecs_, *codec_, {}, cancellation_.token()}; }

    CancellationSource cancellation_;
    const Job job_{id(1, 2, 4), {put(id(0, 2, 2), 2, {{1, 2}}), put(id(0, 3, 3), 3, {{1, 3}, {3, 3}}), put(id(0, 4, 4), 3, {{2, 4}})}};
};

TEST_F(CompactorTest, MergesAndReadsBack) {
    const auto file = compactor().run(job_).file;
    EXPECT_EQ(file.id, id(1, 2, 4));
    EXPECT_EQ(file.timestamp, Timestamp{4000});
    EXPECT_EQ(file.size, store_.content(key(file.id)).size());
    EXPECT_EQ(pagesOf(file), (Pages{{1, 3}, {2, 4}, {3, 3}}));
    EXPECT_EQ(header_.commit, 3u);
    EXPECT_EQ(header_.timestamp, Timestamp{4000});
    EXPECT_EQ(header_.nodeId, 0u);
    EXPECT_EQ(store_.requests()["PUT"], 1u);
    EXPECT_EQ(store_.requests()["LIST"], 0u);
}

TEST_F(CompactorTest, ASnapshotAndItsSuccessorsMakeASnapshot) {
    const Job job{id(9, 1, 4), {put(id(9, 1, 1), 2, {{1, 1}, {2, 1}}), job_.inputs[0], job_.inputs[1], job_.inputs[2]}};
    EXPECT_EQ(pagesOf(compactor().run(job).file), (Pages{{1, 3}, {2, 4}, {3, 3}}));
}

TEST_F(CompactorTest, LargeFilesAreReadBackByTheirEnds) {
    Pages pages;
    for (PageNumber page = 1; page <= 40'000; ++page) pages[page] = static_cast<std::uint8_t>(page % 251);
    const Job job{id(9, 1, 2), {put(id(9, 1, 1), 40'000, pages), put(id(0, 2, 2), 40'000, {{7, 9}})}};
    const auto before = store_.requests()["GET"];
    const auto file = compactor().run(job).file;
    ASSERT_GT(file.size, 1u << 20);
    const auto gets = store_.requests()["GET"] - before;
    // The inputs in pieces; then the header and, in three steps, the tail of the output.
    EXPECT_LE(gets, job.inputs[0].size / (1u << 20) + 1 + 1 + 4);
    pages[7] = 9;
    EXPECT_EQ(pagesOf(file), pages);
    EXPECT_NO_THROW(compactor().check(file));
}

TEST_F(CompactorTest, ItsOwnFileOfAnEarlierAttemptIsNoConflict) {
    compactor().run(job_);
    const auto keys = store_.keys();
    EXPECT_EQ(compactor().run(job_).file.id, job_.output);
    EXPECT_EQ(store_.keys(), keys);
}

TEST_F(CompactorTest, AnotherFileUnderItsNameIsAConflictAndStays) {
    put(job_.output, 3, {{1, 9}, {2, 9}, {3, 9}});
    const std::string foreign = store_.content(key(job_.output));
    EXPECT_EQ(errorOf([&] { compactor().run(job_); }).code(), ErrorCode::Conflict);
    EXPECT_EQ(store_.content(key(job_.output)), foreign);
}

TEST_F(CompactorTest, ADamagedInputIsNamedAndLeavesNothing) {
    store_.content(key(job_.inputs[1].id))[120] ^= 1;
    try {
        compactor().run(job_);
        FAIL() << "merged a damaged file";
    } catch (const InputError& error) {
        EXPECT_EQ(error.input(), job_.inputs[1].id);
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_NE(std::string(error.what()).find("0000000000000003"), std::string::npos) << error.what();
    }
    EXPECT_EQ(store_.keys().size(), 3u);
}

TEST_F(CompactorTest, AMissingInputIsNamed) {
    store_.erase(key(job_.inputs[2].id));
    try {
        compactor().run(job_);
        FAIL() << "merged what is not there";
    } catch (const InputError& error) {
        EXPECT_EQ(error.input(), job_.inputs[2].id);
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
    }
}

TEST_F(CompactorTest, T71_AShortInputIsNoPlausibleFile) {
    auto job = job_;
    store_.content(key(job.inputs[2].id)).resize(130);
    EXPECT_THROW(compactor().run(job), InputError);
    const Error error = errorOf([&] { compactor().run(job); });
    EXPECT_NE(std::string(error.what()).find("the object ends at byte 130"), std::string::npos) << error.what();
    job.inputs[2].size = 130;  // and a listing that agrees with it
    EXPECT_THROW(compactor().run(job), InputError);
    EXPECT_EQ(store_.keys().size(), 3u);
}

TEST_F(CompactorTest, AFileUnderAnotherFilesNameIsNotMerged) {
    store_.content(key(job_.inputs[1].id)) = store_.content(key(job_.inputs[0].id));
    auto job = job_;
    job.inputs[1].size = job.inputs[0].size;
    EXPECT_THROW(compactor().run(job), InputError);
}

TEST_F(CompactorTest, ASnapshotIsComparedWithTheDigestBeforeAnybodySeesIt) {
    const Job job{id(9, 1, 4), {put(id(9, 1, 1), 4, {{1, 1}, {2, 1}, {3, 1}, {4, 1}}), job_.inputs[0], job_.inputs[1], job_.inputs[2]}};
    const Pages truth{{1, 3}, {2, 4}, {3, 3}};  // the fourth page is gone
    Pages other = truth;
    other[2] = 5;
    try {
        compactor().run(job, {{}, digestOf(other)});
        FAIL() << "made a snapshot of another state";
    } catch (const DigestError& error) {
        EXPECT_EQ(error.expected(), digestOf(other));
        EXPECT_EQ(error.found(), digestOf(truth));
    }
    EXPECT_EQ(store_.keys().size(), 4u);
    EXPECT_FALSE(compactor().run(job).digest);
    EXPECT_THROW(compactor().run(job, {{}, digestOf(other)}), DigestError) << "the name is taken, by a file of ours";
    const auto made = compactor().run(job, {{}, digestOf(truth)});
    EXPECT_EQ(made.digest, digestOf(truth));
    EXPECT_EQ(made.inputChecksums.size(), 4u);
    EXPECT_EQ(made.inputChecksums[2], checksumOf(job.inputs[2]));
}

TEST_F(CompactorTest, AnotherSoundFileInThePlaceOfAnInputIsNamed) {
    const Expected expected{{std::nullopt, checksumOf(job_.inputs[1]), checksumOf(job_.inputs[2])}, std::nullopt};
    EXPECT_NO_THROW(compactor().run(job_, expected));
    put(job_.inputs[1].id, 3, {{1, 3}, {3, 4}});
    try {
        compactor().run({id(2, 2, 4), job_.inputs}, expected);
        FAIL() << "merged another file";
    } catch (const InputError& error) {
        EXPECT_EQ(error.input(), job_.inputs[1].id);
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    }
    EXPECT_FALSE(std::ranges::count(store_.keys(), key(id(2, 2, 4))));
}

TEST_F(CompactorTest, WhatIsDamagedOnTheWayIsNoDamagedFile) {
    char& byte = store_.content(key(job_.inputs[1].id))[120];
    byte ^= 1;
    const std::size_t inputs = job_.inputs.size();
    store_.fail([&, gets = std::size_t{0}](const std::string& operation) mutable {
        if (operation == "GET" && ++gets == inputs + 1) byte ^= 1;
    });
    EXPECT_EQ(errorOf([&] { compactor().run(job_); }).code(), ErrorCode::Transient);
    EXPECT_EQ(compactor().run(job_).file.id, job_.output);
}

TEST_F(CompactorTest, T71_WhatArrivesDamagedIsSentOnceMore) {
    store_.damage([hurt = false](std::string& content) mutable {
        if (!std::exchange(hurt, true)) content.resize(content.size() - 1);
    });
    const auto file = compactor().run(job_).file;
    EXPECT_EQ(pagesOf(file), (Pages{{1, 3}, {2, 4}, {3, 3}}));
    EXPECT_EQ(store_.requests()["PUT"], 2u);
}

TEST_F(CompactorTest, T71_WhatAlwaysArrivesDamagedIsTakenAway) {
    store_.damage([](std::string& content) { content[110] ^= 1; });
    EXPECT_EQ(errorOf([&] { compactor().run(job_); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(store_.keys().size(), 3u);
}

TEST_F(CompactorTest, ABitThatFlipsWhileItsOwnFileIsComparedMakesNobodyElseOfIt) {
    compactor().run(job_);
    store_.fail([this](const std::string& operation) {
        if (operation == "HEAD") store_.flip();
    });
    EXPECT_EQ(compactor().run(job_).file.id, job_.output);
}

TEST_F(CompactorTest, ABitThatFlipsWhileItIsReadBackIsNotSentAgain) {
    store_.damage([this](std::string&) { store_.flip(); });
    compactor().run(job_);
    EXPECT_EQ(store_.requests()["PUT"], 1u);
}

TEST_F(CompactorTest, ABitThatFlipsWhileItIsCheckedIsNoDamage) {
    store_.flip(1);  // behind the header
    EXPECT_NO_THROW(compactor().check(job_.inputs[0]));
}

TEST_F(CompactorTest, ChecksWhatIsRelied) {
    EXPECT_NO_THROW(compactor().check(job_.inputs[0]));
    store_.content(key(job_.inputs[0].id))[120] ^= 1;
    EXPECT_EQ(errorOf([&] { compactor().check(job_.inputs[0]); }).code(), ErrorCode::Corrupt);
    auto other = job_.inputs[1];
    other.id = id(0, 3, 5);
    store_.insert(key(other.id), store_.content(key(job_.inputs[1].id)), {});
    EXPECT_EQ(errorOf([&] { compactor().check(other); }).code(), ErrorCode::Corrupt);
}

TEST_F(CompactorTest, EndsWhenItIsCancelled) {
    cancellation_.cancel();
    EXPECT_EQ(errorOf([&] { compactor().run(job_); }).code(), ErrorCode::Cancelled);
}

}  // namespace
}  // namespace litestream::levels::test
