#include "TransportSuite.h"

namespace litestream::conformance {

namespace {

/// Put like this, the call is no reason to try the plugin's luck with the real file system: every one of them has a prefix in front.
const std::vector<std::string> kNoKeys{"",   "/",   "/a",    "a/",     "a//b",  ".",
                                       "..", "./a", "a/./b", "a/../b", "..//a", "a\xff"};

}  // namespace

LITESTREAM_CLAUSE(TransportSuite, RefusesWhatIsNoKey, "Transport.h",
                  "A transport refuses others with Error(InvalidArgument).") {
    for (const std::string& key : kNoKeys) {
        const std::string name = "the key \"" + key + "\"";
        expectError("put " + name, ErrorCode::InvalidArgument, [&] { put(key, "x"); });
        expectError("get " + name, ErrorCode::InvalidArgument, [&] { get(key, 0, 1); });
        expectError("head " + name, ErrorCode::InvalidArgument, [&] { transport_->head(key, context_); });
        expectError("remove " + name, ErrorCode::InvalidArgument, [&] { remove({key}); });
    }
    expectKeys("after nothing but refusals", {});
}

LITESTREAM_CLAUSE(TransportSuite, RefusesABadKeyBeforeItRemovesAGoodOne, "Transport.h",
                  "throws only when nothing was tried.") {
    put("a", "x");
    expectError("remove a and ../b", ErrorCode::InvalidArgument, [&] { remove({"a", "../b"}); });
    expectContent("after remove of a and ../b threw", "a", "x");
}

LITESTREAM_CLAUSE(TransportSuite, CancelledCallsDoNothing, "Call.h",
                  "when the deadline passes or the token is cancelled, it throws Error(Cancelled) within a second.") {
    put("a", "old");
    CancellationSource source;
    source.cancel();
    const CallContext late = CallContext::within(std::chrono::seconds(-1));
    const CallContext cancelled = CallContext::within(std::chrono::minutes(1), source.token());
    for (const auto& [when, context] :
         {std::pair{" after the deadline", late}, std::pair{" when cancelled before", cancelled}}) {
        MemoryBody body("new");
        std::string buffer(3, '?');
        const std::vector<std::string> keys{"a"};
        const auto bytes = std::as_writable_bytes(std::span(buffer));
        const CallContext& limits = context;
        expectError(std::string("put") + when, ErrorCode::Cancelled, [&] { transport_->put("a", body, {}, limits); });
        expectError(std::string("get") + when, ErrorCode::Cancelled, [&] { transport_->get("a", 0, bytes, limits); });
        expectError(std::string("head") + when, ErrorCode::Cancelled, [&] { transport_->head("a", limits); });
        expectError(std::string("list") + when, ErrorCode::Cancelled, [&] { transport_->list("", "", 10, limits); });
        expectError(std::string("remove") + when, ErrorCode::Cancelled, [&] { transport_->remove(keys, limits); });
    }
    expectKeys("after cancelled calls", {"a"});
}

LITESTREAM_CLAUSE(TransportSuite, PutCancelledOnItsWayLeavesNothing, "Call.h",
                  "Every blocking method of the SDK takes one and keeps to it") {
    CancellationSource source;
    MemoryBody body(noise(1 << 20, 5), 65536);
    body.beforeRun([&](std::size_t taken) {
        if (taken >= 300000) source.cancel();
    });
    const CallContext context = CallContext::within(std::chrono::minutes(1), source.token());
    expectError("put 1 MiB, cancelled after 300000 bytes", ErrorCode::Cancelled,
                [&] { transport_->put("ltx/0/a", body, {}, context); });
    expectKeys("after a put that was cancelled on its way", {});
    put("ltx/0/a", "x");
    expectContent("when put again", "ltx/0/a", "x");
}

LITESTREAM_CLAUSE(TransportSuite, TransportThrowsNothingButErrors, "Transport.h",
                  "Errors: Error only, with the code that fits (Error.h).") {
    put("a", "x");
    expectAnyError("get what does not exist", "Error", [&] { get("none", 0, 1); });
    expectAnyError("head what does not exist", "Error", [&] { transport_->head("none", context_); });
    expectAnyError("put what is no key", "Error", [&] { put("../a", "x"); });
    MemoryBody body(noise(200000, 2), 100000);
    body.beforeRun([](std::size_t taken) {
        if (taken >= 100000) throw Error(ErrorCode::DiskFull, "read spool: no room");
    });
    expectAnyError("put a body that fails", "Error", [&] { transport_->put("b", body, {}, context_); });
    list("none/", "zzz");
    remove({"none"});
}

LITESTREAM_CLAUSE(TransportSuite, DescribesItsRoot, "Transport.h",
                  "Where the root is, as name=value pairs for log lines") {
    const auto pairs = transport_->describe();
    expectTrue("describe", !pairs.empty(), "no pair", "at least one name=value pair");
    for (const auto& [name, value] : pairs)
        expectTrue("describe", !name.empty(), "the value \"" + value + "\" without a name", "a name with each value");
    expectTrue("capabilities().concurrency", transport_->capabilities().concurrency >= 1, "0", "at least 1");
}

}  // namespace litestream::conformance
