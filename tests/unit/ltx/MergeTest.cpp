#include "Fixture.h"

#include "ltx/Merge.h"

#include <Poco/JSON/Array.h>
#include <Poco/SHA2Engine.h>

namespace litestream::ltx {
namespace {

using testing::Buffer;
using testing::fails;
using testing::Pages;
using Strictness = Decoder::Strictness;

Buffer mergeFiles(const std::vector<Buffer>& files, Strictness strictness = Strictness::Restore) {
    std::vector<Decoder> inputs;
    inputs.reserve(files.size());
    for (const Buffer& file : files) inputs.emplace_back(testing::sourceOf(file), testing::lz4Set(), strictness);
    MemorySink sink;
    merge(inputs, sink, testing::lz4());
    return std::move(sink.bytes());
}

/// SHA-256 of the database that a merged snapshot stands for.
std::string databaseHash(const Buffer& snapshot) {
    const auto decoded = testing::decode(snapshot);
    const Buffer zeros(decoded.header.pageSize);
    Poco::SHA2Engine engine(Poco::SHA2Engine::SHA_256);
    for (PageNumber page = 1; page <= decoded.header.commit; ++page) {
        const Buffer& content = page == lockPage(decoded.header.pageSize) ? zeros : decoded.pages.at(page);
        engine.update(content.data(), content.size());
    }
    return Poco::DigestEngine::digestToHex(engine.digest());
}

class RealReplica : public ::testing::TestWithParam<const char*> {
protected:
    std::filesystem::path directory_ = testing::dataDirectory() / "real-cli-0.5.17" / GetParam();
    std::filesystem::path levels_ = directory_ / "replica" / "ltx";

    /// The files of `level` that make up exactly `range`; empty when retention has taken one of them.
    std::vector<Buffer> sources(int level, const TxidRange& range) {
        std::vector<Buffer> files;
        Txid next = range.min;
        for (const auto& path : testing::ltxFilesBelow(levels_ / std::to_string(level))) {
            const auto part = parseFileName(path.filename().string());
            if (part->min != next || part->max > range.max) continue;
            files.push_back(testing::readFile(path));
            next = part->max.next();
        }
        return next == range.max.next() ? files : std::vector<Buffer>{};
    }
};

TEST_P(RealReplica, CompactsLikeUpstream) {
    int compared = 0;
    for (const int level : {1, 2}) {
        if (!std::filesystem::exists(levels_ / std::to_string(level))) continue;
        for (const auto& path : testing::ltxFilesBelow(levels_ / std::to_string(level))) {
            const auto files = sources(level - 1, *parseFileName(path.filename().string()));
            if (files.empty()) continue;
            ++compared;
            const auto upstream = testing::decode(testing::readFile(path));
            const auto ours = testing::decode(mergeFiles(files, Strictness::Verify));
            EXPECT_EQ(ours.pages, upstream.pages) << path;
            EXPECT_EQ(encode(ours.header), encode(upstream.header)) << path;
        }
    }
    EXPECT_GE(compared, 1);
}

TEST_P(RealReplica, RestoresEveryPlanOfUpstream) {
    const auto cases = testing::readJson(directory_ / "expected.json")->getArray("cases");
    for (unsigned i = 0; i < cases->size(); ++i) {
        const auto expected = cases->getObject(i);
        if (!expected->has("plan")) continue;
        const auto plan = expected->getArray("plan");
        std::vector<Buffer> files;
        for (unsigned k = 0; k < plan->size(); ++k)
            files.push_back(testing::readFile(levels_ / plan->getElement<std::string>(k)));
        EXPECT_EQ(databaseHash(mergeFiles(files)), expected->getValue<std::string>("db_sha256")) << "case " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Ltx, RealReplica, ::testing::Values("levels", "pg512", "pg65536", "vacuum", "restart"));

TEST(MergeHandMade, EqualsItsCompactionWhateverThePageForm) {
    const auto directory = testing::dataDirectory() / "hand-made" / "ltx";
    const std::vector<Buffer> files{testing::readFile(directory / "0/0000000000000006-0000000000000006.ltx"),
                                    testing::readFile(directory / "0/0000000000000007-0000000000000007.ltx"),
                                    testing::readFile(directory / "0/0000000000000008-0000000000000008.ltx")};
    const auto ours = testing::decode(mergeFiles(files));
    const auto expected = testing::decode(testing::readFile(directory / "1/0000000000000006-0000000000000008.ltx"));
    EXPECT_EQ(ours.pages, expected.pages);
    EXPECT_EQ(encode(ours.header), encode(expected.header));
}

TEST(MergeHandMade, LeadsToEveryRecordedState) {
    for (const char* replica : {"hand-made", "real-vfs-0.5.17"}) {
        const auto directory = testing::dataDirectory() / replica;
        const auto states = testing::readJson(directory / "expected.json")->getArray("states");
        std::vector<Buffer> files;
        for (unsigned i = 0; i < states->size(); ++i) {
            const auto state = states->getObject(i);
            const auto txid = state->getValue<std::string>("txid");
            const auto update = directory / "ltx/0" / (txid + "-" + txid + ".ltx");
            files.push_back(testing::readFile(std::filesystem::exists(update)
                                                  ? update
                                                  : directory / "ltx/9" / ("0000000000000001-" + txid + ".ltx")));
            EXPECT_EQ(databaseHash(mergeFiles(files)), state->getValue<std::string>("db_sha256"))
                << replica << " " << txid;
        }
    }
}

TEST(MergeFaulty, DropsPagesBeyondCommitAsUpstreamDoes) {
    const auto directory = testing::dataDirectory() / "faulty";
    const auto good = databaseHash(testing::readFile(directory / "good.ltx"));
    for (const char* name :
         {"good", "page-beyond-commit", "reserved-bytes-set", "index-entry-wrong", "snapshot-checksums-on"}) {
        EXPECT_EQ(databaseHash(mergeFiles({testing::readFile(directory / (std::string(name) + ".ltx"))})), good)
            << name;
    }
}

Buffer page(std::uint32_t seed) {
    return testing::textPage(512, seed);
}

Buffer update(std::uint32_t commit, std::uint64_t minTxid, std::uint64_t maxTxid, const Pages& pages) {
    Header header = testing::header(512, commit, minTxid, maxTxid);
    header.timestamp = Timestamp{static_cast<std::int64_t>(maxTxid) * 1000};
    header.wal = WalRange{32, 536, 1, 2};
    header.nodeId = 9;
    return testing::encodeFile(header, pages);
}

TEST(Merge, TakesEachPageFromTheNewestFile) {
    const auto merged = testing::decode(
        mergeFiles({update(4, 2, 2, {{1, page(11)}, {2, page(12)}, {4, page(14)}}),
                    update(5, 3, 3, {{2, page(22)}, {5, page(25)}}), update(5, 4, 6, {{2, page(32)}, {3, page(33)}})}));
    EXPECT_EQ(merged.pages, (Pages{{1, page(11)}, {2, page(32)}, {3, page(33)}, {4, page(14)}, {5, page(25)}}));
    Header expected = testing::header(512, 5, 2, 6);
    expected.timestamp = Timestamp{6000};
    expected.wal = WalRange{0, 0, 0, 0};
    EXPECT_EQ(encode(merged.header), encode(expected));
}

TEST(Merge, DropsPagesBeyondTheLastCommit) {
    const auto merged =
        testing::decode(mergeFiles({update(9, 2, 2, {{1, page(1)}, {9, page(9)}}), update(3, 3, 3, {{1, page(2)}})}));
    EXPECT_EQ(merged.pages, (Pages{{1, page(2)}}));
    EXPECT_EQ(merged.header.commit, 3u);
}

TEST(Merge, LetsInputsOverlap) {
    const auto merged = testing::decode(mergeFiles({update(2, 2, 5, {{1, page(1)}}), update(2, 4, 7, {{2, page(2)}})}));
    EXPECT_EQ(merged.header.minTxid, Txid{2});
    EXPECT_EQ(merged.header.maxTxid, Txid{7});
}

TEST(Merge, OfOneFileIsThatFileWithoutItsWalRange) {
    const Buffer file = update(3, 2, 2, {{1, page(1)}, {3, page(3)}});
    EXPECT_EQ(testing::decode(mergeFiles({file})).pages, testing::decode(file).pages);
}

TEST(Merge, OfFilesWithoutPagesHasNone) {
    EXPECT_TRUE(testing::decode(mergeFiles({update(3, 2, 2, {}), update(3, 3, 3, {})})).pages.empty());
}

TEST(Merge, RefusesFilesThatDoNotJoin) {
    const auto refuses = [](const char* text, const std::vector<Buffer>& files) {
        EXPECT_TRUE(fails(ErrorCode::InvalidArgument, text, [&] { mergeFiles(files); }));
    };
    refuses("no files", {});
    refuses("gap between", {update(3, 2, 2, {}), update(3, 4, 4, {})});
    refuses("nothing new", {update(3, 2, 3, {}), update(3, 3, 3, {})});
    refuses("nothing new", {update(3, 3, 3, {}), update(3, 2, 2, {})});
    refuses("page size", {update(3, 2, 2, {}), testing::encodeFile(testing::header(1024, 3, 3, 3), {})});
}

TEST(Merge, RefusesASnapshotThatGrewWithoutItsPages) {
    const Buffer snapshot = update(2, 1, 1, {{1, page(1)}, {2, page(2)}});
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "page 3 of the snapshot is missing", [&] {
        mergeFiles({snapshot, update(4, 2, 2, {{4, page(4)}})});
    }));
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "page 3 of the snapshot is missing", [&] {
        mergeFiles({snapshot, update(3, 2, 2, {})});
    }));
}

TEST(Merge, ReadsEveryInputToItsEndAndNamesTheDamagedOne) {
    Buffer damaged = update(3, 3, 3, {{1, page(1)}});
    damaged.back() ^= std::byte{1};
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "merge 0000000000000003-0000000000000003.ltx: LTX file: file checksum", [&] {
        mergeFiles({damaged, update(1, 4, 4, {{1, page(2)}})});
    }));
}

}  // namespace
}  // namespace litestream::ltx
