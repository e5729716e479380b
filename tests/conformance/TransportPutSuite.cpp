#include "TransportSuite.h"

#include <atomic>
#include <thread>

namespace litestream::conformance {

TEST_P(TransportSuite, PutGivesBackEveryByte) {
    for (const std::size_t size : {0u, 1u, 360u, 65536u, (1u << 20) + 3u, 8u << 20}) {
        const std::string bytes = noise(size, static_cast<unsigned>(size));
        const std::string key = "ltx/0/" + std::to_string(size);
        EXPECT_EQ(put(key, bytes), size);
        EXPECT_TRUE(content(key) == bytes) << size << " bytes";
        EXPECT_EQ(transport_->head(key, context_).size, size);
    }
}

TEST_P(TransportSuite, PutTakesBodiesInAnyRuns) {
    const std::string bytes = noise(700001, 7);
    for (const std::size_t run : {977u, 65535u, 65536u, 300000u}) {
        for (const bool sizeKnown : {true, false}) {
            MemoryBody body(bytes, run, sizeKnown);
            EXPECT_EQ(transport_->put("runs", body, {}, context_), bytes.size());
            EXPECT_TRUE(content("runs") == bytes) << "runs of " << run;
        }
    }
}

TEST_P(TransportSuite, PutReplacesTheWholeObject) {
    put("ltx/0/a", noise(5000, 1));
    put("ltx/0/a", "short");
    EXPECT_EQ(content("ltx/0/a"), "short");
    EXPECT_EQ(list(), std::vector<std::string>{"ltx/0/a"});
}

TEST_P(TransportSuite, FailingBodyLeavesNothingVisible) {
    MemoryBody body(noise(1 << 20, 2), 100000);
    body.beforeRun([](std::size_t taken) {
        if (taken >= 500000) throw Error(ErrorCode::Corrupt, "read spool: torn");
    });
    EXPECT_EQ(codeOf([&] { transport_->put("ltx/0/a", body, {}, context_); }), ErrorCode::Corrupt);
    EXPECT_EQ(codeOf([&] { transport_->head("ltx/0/a", context_); }), ErrorCode::NotFound);
    EXPECT_TRUE(list().empty());
}

TEST_P(TransportSuite, FailingBodyLeavesTheOldObject) {
    put("ltx/0/a", "old");
    MemoryBody body("something new", 4);
    body.beforeRun([](std::size_t taken) {
        if (taken >= 8) throw Error(ErrorCode::Transient, "read spool: I/O error");
    });
    EXPECT_EQ(codeOf([&] { transport_->put("ltx/0/a", body, {}, context_); }), ErrorCode::Transient);
    EXPECT_EQ(content("ltx/0/a"), "old");
}

TEST_P(TransportSuite, OnlyIfAbsentLeavesAnExistingObjectAlone) {
    if (!transport_->capabilities().conditionalPut) GTEST_SKIP() << "no conditional put";
    PutOptions options;
    options.onlyIfAbsent = true;
    EXPECT_EQ(put("ltx/0/a", "first", options), 5u);
    EXPECT_EQ(codeOf([&] { put("ltx/0/a", "second", options); }), ErrorCode::Conflict);
    EXPECT_EQ(content("ltx/0/a"), "first");
    EXPECT_EQ(list(), std::vector<std::string>{"ltx/0/a"});
}

TEST_P(TransportSuite, OfConcurrentConditionalPutsExactlyOneSucceeds) {
    if (!transport_->capabilities().conditionalPut) GTEST_SKIP() << "no conditional put";
    constexpr int kThreads = 8;
    for (int round = 0; round < 10; ++round) {
        const std::string key = "race/" + std::to_string(round);
        std::atomic<int> ready{0};
        std::atomic<int> conflicts{0};
        std::atomic<int> winner{-1};
        std::vector<std::thread> threads;
        for (int i = 0; i < kThreads; ++i) {
            threads.emplace_back([&, i] {
                PutOptions options;
                options.onlyIfAbsent = true;
                ++ready;
                while (ready < kThreads) std::this_thread::yield();
                try {
                    put(key, std::string(1000, static_cast<char>('a' + i)), options);
                    EXPECT_EQ(winner.exchange(i), -1) << "two succeeded";
                } catch (const Error& error) {
                    EXPECT_EQ(error.code(), ErrorCode::Conflict) << error.what();
                    ++conflicts;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        EXPECT_EQ(conflicts, kThreads - 1);
        ASSERT_GE(winner, 0);
        EXPECT_EQ(content(key), std::string(1000, static_cast<char>('a' + winner)));
    }
}

TEST_P(TransportSuite, ReadersSeeOneWholeVersionWhileOthersReplaceIt) {
    constexpr std::size_t kSize = 100000;
    put("a", std::string(kSize, 'x'));
    std::atomic<bool> done{false};
    std::vector<std::thread> writers;
    for (const char letter : {'y', 'z'}) {
        writers.emplace_back([&, letter] {
            for (int i = 0; i < 20; ++i) put("a", std::string(kSize, letter));
        });
    }
    std::thread reader([&] {
        while (!done) {
            const std::string seen = get("a", 0, kSize + 1);
            ASSERT_EQ(seen.size(), kSize);
            ASSERT_EQ(seen.find_first_not_of(seen[0]), std::string::npos) << "two versions mixed";
        }
    });
    for (std::thread& writer : writers) writer.join();
    done = true;
    reader.join();
    EXPECT_EQ(list(), std::vector<std::string>{"a"});
}

TEST_P(TransportSuite, ConcurrentPutsOfManyKeysAllArrive) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 10; ++i) {
                const std::string name = std::to_string(t) + "/" + std::to_string(i);
                put("many/" + name, name);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const auto keys = list("many/");
    EXPECT_EQ(keys.size(), 40u);
    for (const std::string& key : keys) EXPECT_EQ("many/" + content(key), key);
}

TEST_P(TransportSuite, KeepsTheTimestampToTheMillisecond) {
    for (const std::int64_t milliseconds : {std::int64_t{1}, std::int64_t{1700000000123}, std::int64_t{1767225599999}}) {
        PutOptions options;
        options.timestamp = {milliseconds};
        put("timed", "x", options);
        EXPECT_EQ(transport_->head("timed", context_).timestamp.milliseconds, milliseconds);
        if (transport_->capabilities().listsTimestamp) {
            EXPECT_EQ(transport_->list("timed", {}, 1, context_).at(0).timestamp.milliseconds, milliseconds);
        }
    }
}

}  // namespace litestream::conformance
