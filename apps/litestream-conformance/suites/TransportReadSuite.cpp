#include "TransportSuite.h"

namespace litestream::conformance {

LITESTREAM_CLAUSE(TransportSuite, GetReadsEveryRange, "Transport.h",
                  "Reads from `offset` on until `into` is full or the object ends; returns how many bytes came.") {
    const std::string bytes = noise(1000, 3);
    put("a", bytes);
    for (const std::size_t offset : {0u, 1u, 499u, 998u, 999u, 1000u, 1001u, 100000u}) {
        for (const std::size_t length : {1u, 2u, 500u, 999u, 1000u, 1001u, 5000u}) {
            const std::string wanted = offset >= bytes.size() ? "" : bytes.substr(offset, length);
            expectBytes(
                "get " + std::to_string(length) + " bytes at " + std::to_string(offset) + " of an object of 1000",
                get("a", offset, length), wanted);
        }
    }
}

LITESTREAM_CLAUSE(TransportSuite, GetBehindTheEndGivesNothing, "Transport.h",
                  "An offset at or behind the end gives 0.") {
    put("a", "abc");
    for (const std::uint64_t offset : {std::uint64_t{3}, std::uint64_t{1} << 40, UINT64_MAX}) {
        expectBytes("get 10 bytes at " + std::to_string(offset) + " of an object of 3", get("a", offset, 10), "");
    }
}

LITESTREAM_CLAUSE(TransportSuite, EmptyObjectIsAnObject, "Transport.h", "Returns the number of bytes stored.") {
    expectSame("put an empty object", put("empty", ""), 0u);
    expectBytes("get 10 bytes of an empty object", get("empty", 0, 10), "");
    expectSame("head of an empty object: its size", transport_->head("empty", context_).size, 0u);
    expectKeys("when there is an empty object", {"empty"});
}

LITESTREAM_CLAUSE(TransportSuite, MissingObjectIsNotFound, "Transport.h",
                  "Error(NotFound) if there is no such object.") {
    put("ltx/0/a", "x");
    for (const std::string key : {"b", "ltx/0/b", "ltx/1/a", "ltx/0", "ltx"}) {
        expectError("get " + key + " when only ltx/0/a exists", ErrorCode::NotFound, [&] { get(key, 0, 10); });
        expectError("head " + key + " when only ltx/0/a exists", ErrorCode::NotFound,
                    [&] { transport_->head(key, context_); });
    }
}

LITESTREAM_CLAUSE(TransportSuite, HeadNamesItsKey, "Transport.h", "Size and exact timestamp of one object.") {
    put("ltx/0/a", "four");
    const ObjectInfo info = transport_->head("ltx/0/a", context_);
    expectSame("head ltx/0/a: its key", info.key, "ltx/0/a");
    expectSame("head ltx/0/a: its size", info.size, 4u);
}

LITESTREAM_CLAUSE(TransportSuite, KeysMayHoldAnyPrintableText, "Transport.h",
                  "Keys are relative to the root, UTF-8, segments joined by '/'") {
    const std::vector<std::string> keys{
        "with space", "perc%20ent", "plus+and&", "q?x=1#f", "gr\u00fc\u00dfe/\u65e5\u672c", "...", ".hidden", "a..b"};
    for (const std::string& key : keys) {
        put(key, key);
        expectContent("after put", key, key);
    }
    std::vector<std::string> sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    expectKeys("with such keys", sorted);
}

}  // namespace litestream::conformance
