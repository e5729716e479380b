#include "TransportSuite.h"

namespace litestream::conformance {

LITESTREAM_CLAUSE(TransportSuite, PutGivesBackEveryByte, "Transport.h",
                  "When it returns, the object is durable, whole, and visible to get() and head()") {
    for (const std::size_t size : {0u, 1u, 360u, 65536u, (1u << 20) + 3u, 8u << 20}) {
        const std::string bytes = noise(size, static_cast<unsigned>(size));
        const std::string key = "ltx/0/" + std::to_string(size);
        expectSame("put " + std::to_string(size) + " bytes: what it returns", put(key, bytes), size);
        expectContent("after put", key, bytes);
        expectSame("head " + key + ": its size", transport_->head(key, context_).size, size);
    }
}

LITESTREAM_CLAUSE(TransportSuite, AnotherInstanceSeesWhatWasPut, "Transport.h",
                  "When it returns, the object is durable, whole, and visible to get() and head()") {
    const std::string bytes = noise(100000, 8);
    put("ltx/0/a", bytes);
    transport_ = openRoot();
    expectKeys("in an instance that is opened after put", {"ltx/0/a"});
    expectContent("in an instance that is opened after put", "ltx/0/a", bytes);
}

LITESTREAM_CLAUSE(TransportSuite, PutTakesBodiesInAnyRuns, "Transport.h",
                  "The next run of bytes, of any length; empty at the end.") {
    const std::string bytes = noise(700001, 7);
    for (const std::size_t run : {977u, 65535u, 65536u, 300000u}) {
        for (const bool sizeKnown : {true, false}) {
            MemoryBody body(bytes, run, sizeKnown);
            const std::string how =
                "a body in runs of " + std::to_string(run) + (sizeKnown ? "" : " that does not know its size");
            expectSame("put " + how + ": what it returns", transport_->put("runs", body, {}, context_), bytes.size());
            expectContent("after put of " + how, "runs", bytes);
        }
    }
}

LITESTREAM_CLAUSE(TransportSuite, PutReplacesTheWholeObject, "Transport.h",
                  "Replaces an existing object unless `onlyIfAbsent`") {
    put("ltx/0/a", noise(5000, 1));
    put("ltx/0/a", "short");
    expectContent("after a shorter object replaced it", "ltx/0/a", "short");
    expectKeys("after a put of the same key twice", {"ltx/0/a"});
}

LITESTREAM_CLAUSE(TransportSuite, UnfinishedPutIsInvisible, "Transport.h",
                  "Things below the root that are no whole objects (temporary files) are not listed.") {
    MemoryBody body(noise(1 << 20, 6), 65536);
    body.beforeRun([&](std::size_t taken) {
        if (taken != 524288) return;
        expectKeys("in the middle of a put", {});
        expectError("head in the middle of a put", ErrorCode::NotFound, [&] { transport_->head("ltx/0/a", context_); });
    });
    transport_->put("ltx/0/a", body, {}, context_);
    expectKeys("after the put", {"ltx/0/a"});
}

LITESTREAM_CLAUSE(
    TransportSuite, FailingBodyLeavesNothingVisible, "Transport.h",
    "Throws Error when the content cannot be produced: the transport then leaves nothing visible and lets it pass.") {
    MemoryBody body(noise(1 << 20, 2), 100000);
    body.beforeRun([](std::size_t taken) {
        if (taken >= 500000) throw Error(ErrorCode::Corrupt, "read spool: torn");
    });
    expectError("put a body that throws Error(corrupt) after 500000 bytes", ErrorCode::Corrupt,
                [&] { transport_->put("ltx/0/a", body, {}, context_); });
    expectError("head of the object whose body failed", ErrorCode::NotFound,
                [&] { transport_->head("ltx/0/a", context_); });
    expectKeys("after a put whose body failed", {});
}

LITESTREAM_CLAUSE(
    TransportSuite, FailingBodyLeavesTheOldObject, "Transport.h",
    "when it throws, the key holds what it held before or (after a lost answer) the new object, never a part.") {
    put("ltx/0/a", "old");
    MemoryBody body("something new", 4);
    body.beforeRun([](std::size_t taken) {
        if (taken >= 8) throw Error(ErrorCode::DiskFull, "read spool: no room");
    });
    expectError("put a body that throws Error(disk full) after 8 bytes", ErrorCode::DiskFull,
                [&] { transport_->put("ltx/0/a", body, {}, context_); });
    expectContent("after a put whose body failed", "ltx/0/a", "old");
}

LITESTREAM_CLAUSE(TransportSuite, OnlyIfAbsentLeavesAnExistingObjectAlone, "Transport.h",
                  "an existing one is left alone and Error(Conflict) thrown.") {
    if (!transport_->capabilities().conditionalPut) GTEST_SKIP() << "capabilities().conditionalPut is false";
    expectSame("put \"first\" only if absent: what it returns", putOnlyIfAbsent("ltx/0/a", "first"), 5u);
    expectError("put \"second\" under the same key only if absent", ErrorCode::Conflict,
                [&] { putOnlyIfAbsent("ltx/0/a", "second"); });
    expectContent("after the second put", "ltx/0/a", "first");
    expectKeys("after both", {"ltx/0/a"});
}

LITESTREAM_CLAUSE(TransportSuite, KeepsTheTimestampToTheMillisecond, "Transport.h",
                  "list() tells the timestamp given to put().") {
    if (!transport_->capabilities().keepsTimestamp) GTEST_SKIP() << "capabilities().keepsTimestamp is false";
    for (const std::int64_t milliseconds :
         {std::int64_t{1}, std::int64_t{1700000000123}, std::int64_t{1767225599999}}) {
        PutOptions options;
        options.timestamp = {milliseconds};
        put("timed", "x", options);
        const std::string given = " after put with " + std::to_string(milliseconds);
        expectSame("milliseconds that head tells" + given, transport_->head("timed", context_).timestamp.milliseconds,
                   milliseconds);
        if (!transport_->capabilities().listsTimestamp) continue;
        const auto found = transport_->list("timed", {}, 1, context_);
        if (expectSame("objects that list gives for the prefix \"timed\"", found.size(), 1u)) {
            expectSame("milliseconds that list tells" + given, found[0].timestamp.milliseconds, milliseconds);
        }
    }
}

}  // namespace litestream::conformance
