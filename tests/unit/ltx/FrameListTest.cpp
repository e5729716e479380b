#include "Fixture.h"

#include "ltx/Bytes.h"
#include "ltx/FrameList.h"
#include "support/TemporaryDirectory.h"

#include <sys/resource.h>

#include <csignal>

namespace litestream::ltx {
namespace {

using litestream::test::TemporaryDirectory;
using testing::Buffer;

/// Frames, and the page index that they ask for.
class Frames {
public:
    void add(PageNumber page, std::uint64_t size) {
        for (FrameList* list : lists_) list->add(page, size);
        appendIndexEntry(expected_, page, offset_, size);
        offset_ += size;
    }
    ::testing::AssertionResult arriveIn(FrameList& list) const {
        Buffer index;
        Buffer part;
        while (list.take(part)) {
            if (part.size() > 4u << 20) return ::testing::AssertionFailure() << "a part of " << part.size() << " bytes";
            index.insert(index.end(), part.begin(), part.end());
            part.clear();
        }
        if (list.take(part) || !part.empty()) return ::testing::AssertionFailure() << "something behind the end";
        if (index != expected_) return ::testing::AssertionFailure() << index.size() << " other bytes than the " << expected_.size() << " expected";
        return ::testing::AssertionSuccess();
    }
    void into(FrameList& list) { lists_.push_back(&list); }

private:
    std::vector<FrameList*> lists_;
    Buffer expected_;
    std::uint64_t offset_ = kHeaderSize;
};

class FrameListTest : public ::testing::Test {
protected:
    std::size_t filesInScratch() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_.path()), {}));
    }

    TemporaryDirectory directory_;
};

/// While it lives, no file grows beyond `bytes`, as on a disk that is full.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

TEST_F(FrameListTest, AnyFramesComeBackInMemoryAndInAFile) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random); };
    for (const std::uint64_t count : {0ull, 1ull, 2ull, 1000ull, 300'000ull, 2'000'000ull}) {
        FrameList inMemory;
        FrameList inFile(directory_.path());
        Frames frames;
        frames.into(inMemory);
        frames.into(inFile);
        std::uint64_t page = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            page += below(50) == 0 ? 1 + below(2000) : 1;
            frames.add(static_cast<PageNumber>(page), below(10) == 0 ? 1 + below(70'000) : 11 + below(4200));
        }
        EXPECT_TRUE(frames.arriveIn(inMemory)) << count;
        EXPECT_TRUE(frames.arriveIn(inFile)) << count;
    }
}

TEST_F(FrameListTest, EverySizeAroundTheLimitsComesBack) {
    // Frames of one byte each: the boundaries of blocks and of what stays in memory.
    constexpr std::uint64_t kBlock = (64u << 10) - 19;
    for (const std::uint64_t blocks : {1u, 2u, 15u, 16u, 17u, 32u, 33u}) {
        for (std::uint64_t count = blocks * kBlock - 2; count <= blocks * kBlock + 2; ++count) {
            FrameList list(directory_.path());
            Frames frames;
            frames.into(list);
            for (std::uint64_t i = 0; i < count; ++i) frames.add(static_cast<PageNumber>(i + 1), 20);
            EXPECT_TRUE(frames.arriveIn(list)) << count;
        }
    }
}

TEST_F(FrameListTest, TheFileHasNoName) {
    FrameList list(directory_.path());
    for (PageNumber page = 1; page <= 2'000'000; ++page) list.add(page, 2000);
    EXPECT_EQ(filesInScratch(), 0u);
}

TEST_F(FrameListTest, T51_WhatIsNotInMemoryIsInTheFile) {
    FrameList list(directory_.path());
    constexpr PageNumber kPages = 2'000'000;
    for (PageNumber page = 1; page <= kPages; ++page) list.add(page, 2000);
    std::uintmax_t bytes = 0;
    for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto file = std::filesystem::read_symlink(descriptor, gone).string();
        if (file.starts_with(directory_.path().string())) bytes += std::filesystem::file_size(descriptor);
    }
    EXPECT_GE(bytes, 2u * kPages - FrameList::kMostInMemory) << "two bytes for each page";
}

TEST_F(FrameListTest, AFullDiskIsNoReasonToFail) {
    for (const rlim_t room : {0u, 1000u, 100'000u, 1'500'000u}) {
        const FullDisk full(room);
        FrameList list(directory_.path());
        Frames frames;
        frames.into(list);
        for (PageNumber page = 1; page <= 2'000'000; ++page) frames.add(page, 100 + page % 4000);
        EXPECT_TRUE(frames.arriveIn(list)) << room;
    }
}

TEST_F(FrameListTest, AMissingDirectoryIsNoReasonToFail) {
    FrameList list(directory_ / "gone");
    Frames frames;
    frames.into(list);
    for (PageNumber page = 1; page <= 1'000'000; ++page) frames.add(page, 2000);
    EXPECT_TRUE(frames.arriveIn(list));
}

TEST_F(FrameListTest, PagesUpToTheLastPossibleOne) {
    FrameList list;
    Frames frames;
    frames.into(list);
    for (const PageNumber page : {1u, 2u, 3'000'000'000u, 0xfffffffdu, 0xfffffffeu}) frames.add(page, 70'000);
    EXPECT_TRUE(frames.arriveIn(list));
}

}  // namespace
}  // namespace litestream::ltx
