#include "Together.h"
#include "TransportSuite.h"

#include <atomic>
#include <chrono>

namespace litestream::conformance {

namespace {

constexpr unsigned kThreads = 8;

/// Content that names its owner in every byte.
std::string ownContent(unsigned thread, std::size_t size) {
    return std::string(size, static_cast<char>('a' + thread));
}

}  // namespace

LITESTREAM_CLAUSE(TransportSuite, OfConcurrentConditionalPutsExactlyOneSucceeds, "Transport.h",
                  "put() with `onlyIfAbsent` is atomic: of two concurrent calls for one key exactly one succeeds.") {
    if (!transport_->capabilities().conditionalPut) GTEST_SKIP() << "capabilities().conditionalPut is false";
    for (int round = 0; round < 10; ++round) {
        const std::string key = "race/" + std::to_string(round);
        std::atomic<unsigned> successes{0};
        std::atomic<unsigned> winner{0};
        // Whoever looked first whether the key is free has done so when all are asked for their bodies.
        Rendezvous looked(kThreads);
        together(kThreads, [&](unsigned i) {
            PutOptions options;
            options.onlyIfAbsent = true;
            MemoryBody body(ownContent(i, 1000));
            body.beforeRun([&](std::size_t taken) {
                if (taken == 0 && round == 0) looked.arrive();
            });
            try {
                transport_->put(key, body, options, context_);
                winner = i;
                ++successes;
            } catch (const Error& error) {
                expectSame("a put that came too late: class of its Error (" + std::string(error.what()) + ")",
                           error.code(), ErrorCode::Conflict);
            }
        });
        if (!expectSame("8 threads put one key only if absent: how many succeed", successes.load(), 1u)) return;
        expectContent("after a race of 8 threads", key, ownContent(winner, 1000));
    }
}

LITESTREAM_CLAUSE(TransportSuite, ReadersSeeOneWholeVersionWhileOthersReplaceIt, "Transport.h",
                  "the object is durable, whole, and visible to get() and head()") {
    constexpr std::size_t kSize = 100000;
    put("a", ownContent(9, kSize));
    std::atomic<unsigned> writers{2};
    together(3, [&](unsigned i) {
        if (i < 2) {
            struct Done {
                std::atomic<unsigned>& count;
                ~Done() { --count; }
            } done{writers};
            for (int k = 0; k < 20; ++k) put("a", ownContent(i, kSize));
            return;
        }
        while (writers > 0) {
            const std::string seen = get("a", 0, kSize + 1);
            if (!expectSame("bytes of an object of 100000 that is being replaced", seen.size(), kSize)) return;
            const std::size_t other = seen.find_first_not_of(seen[0]);
            if (!expectTrue("get an object that is being replaced", other == std::string::npos,
                            "two versions mixed, the second one from offset " + std::to_string(other) + " on",
                            "one version")) {
                return;
            }
        }
    });
    expectKeys("after two threads replaced it 20 times each", {"a"});
}

/// All of them are in the middle of their bodies at the same moment, again and again.
LITESTREAM_CLAUSE(TransportSuite, ConcurrentPutsKeepTheirBytesApart, "Transport.h",
                  "Threads: all methods may be called concurrently on one object.") {
    constexpr unsigned kWriters = 4;
    constexpr std::size_t kRun = 10000;
    constexpr std::size_t kRuns = 5;
    std::vector<std::unique_ptr<Rendezvous>> meetings;
    for (std::size_t i = 0; i <= kRuns; ++i) meetings.push_back(std::make_unique<Rendezvous>(kWriters));
    together(kWriters, [&](unsigned i) {
        MemoryBody body(ownContent(i, kRun * kRuns), kRun);
        body.beforeRun([&](std::size_t taken) { meetings[taken / kRun]->arrive(); });
        transport_->put("own/" + std::to_string(i), body, {}, context_);
    });
    for (unsigned i = 0; i < kWriters; ++i) {
        expectContent("after 4 threads put an object each, a run of each in turn", "own/" + std::to_string(i),
                      ownContent(i, kRun * kRuns));
    }
}

/// First a mixture, then nothing but gets of long objects: they take most of the time in a plugin's own code, where they meet on a single core too.
LITESTREAM_CLAUSE(TransportSuite, ConcurrentCallsOfAllKindsKeepApart, "Transport.h",
                  "Threads: all methods may be called concurrently on one object.") {
    constexpr std::size_t kSize = 200000;
    constexpr unsigned kRounds = 5;
    constexpr auto kTime = std::chrono::milliseconds(500);
    for (unsigned i = 0; i < kThreads; ++i) put("fixed/" + std::to_string(i), ownContent(i, kSize + i));
    const auto fixed = list("fixed/");
    std::atomic<bool> stop{false};
    together(kThreads, [&](unsigned i) {
        const std::string own = "fixed/" + std::to_string(i);
        const auto getsItsOwn = [&] {
            return expectBytes("get " + own + " while others call", get(own, 0, kSize + kThreads),
                               ownContent(i, kSize + i));
        };
        for (unsigned round = 0; round < kRounds && !stop; ++round) {
            const std::string name = "many/" + std::to_string(i) + "-" + std::to_string(round);
            put(name, name);
            const bool good = getsItsOwn() &&
                              expectSame("head " + own + " while others call: its size",
                                         transport_->head(own, context_).size, kSize + i) &&
                              expectSame("list \"fixed/\" while others call", list("fixed/"), fixed) &&
                              expectBytes("get " + name + " while others call", get(name, 0, 100), name);
            if (!good) stop = true;
        }
        const auto begun = std::chrono::steady_clock::now();
        while (!stop && std::chrono::steady_clock::now() - begun < kTime) {
            if (!getsItsOwn()) stop = true;
        }
    });
    if (!stop) expectSame("objects after 8 threads put 5 each", list("many/").size(), std::size_t{kThreads * kRounds});
}

}  // namespace litestream::conformance
