#include "Fixture.h"

#include <set>

#include <Poco/JSON/Array.h>

namespace litestream::ltx {
namespace {

using testing::Buffer;
using Strictness = Decoder::Strictness;

/// Files of real programs with what is known about them (tests/data/ltx/*/expected.json).
class RealFiles : public ::testing::TestWithParam<const char*> {
protected:
    std::filesystem::path directory_ = testing::dataDirectory() / GetParam();
    Poco::JSON::Object::Ptr files_ = testing::readJson(directory_ / "expected.json")->getObject("files");
};

TEST_P(RealFiles, AreAllKnown) {
    EXPECT_EQ(testing::ltxFilesBelow(directory_).size(), files_->size());
}

TEST_P(RealFiles, HaveTheRecordedHeader) {
    for (const auto& name : files_->getNames()) {
        const auto expected = files_->getObject(name);
        const Header header = decodeHeader(testing::readFile(directory_ / name));
        EXPECT_EQ(header.flags, expected->getValue<std::uint32_t>("flags")) << name;
        EXPECT_EQ(header.pageSize, expected->getValue<std::uint32_t>("page_size")) << name;
        EXPECT_EQ(header.commit, expected->getValue<std::uint32_t>("commit")) << name;
        EXPECT_EQ(format(header.minTxid), expected->getValue<std::string>("min_txid")) << name;
        EXPECT_EQ(format(header.maxTxid), expected->getValue<std::string>("max_txid")) << name;
        EXPECT_EQ(header.timestamp.milliseconds, expected->getValue<std::int64_t>("timestamp")) << name;
        EXPECT_EQ(fileName({header.minTxid, header.maxTxid}), std::filesystem::path(name).filename().string());
        if (!expected->has("wal")) continue;
        const auto wal = expected->getArray("wal");
        EXPECT_EQ(header.wal.offset, wal->getElement<std::int64_t>(0)) << name;
        EXPECT_EQ(header.wal.size, wal->getElement<std::int64_t>(1)) << name;
        EXPECT_EQ(header.wal.salt1, std::stoul(wal->getElement<std::string>(2), nullptr, 16)) << name;
        EXPECT_EQ(header.wal.salt2, std::stoul(wal->getElement<std::string>(3), nullptr, 16)) << name;
    }
}

TEST_P(RealFiles, HaveTheRecordedPagesIndexAndTrailer) {
    for (const auto& name : files_->getNames()) {
        const auto expected = files_->getObject(name);
        const Buffer file = testing::readFile(directory_ / name);
        const auto decoded = testing::decode(file);
        std::uint64_t needed = 0;
        const auto index = decodeIndex(file, file.size(), needed);
        ASSERT_TRUE(index) << name;

        const auto pages = expected->getArray("pages");
        ASSERT_EQ(decoded.pages.size(), pages->size()) << name;
        ASSERT_EQ(index->size(), pages->size()) << name;
        for (unsigned i = 0; i < pages->size(); ++i) {
            const auto page = pages->getArray(i);
            const auto number = page->getElement<PageNumber>(0);
            EXPECT_EQ(index->at(i).page, number) << name;
            EXPECT_EQ(index->at(i).offset, page->getElement<std::uint64_t>(1)) << name;
            EXPECT_EQ(index->at(i).size, page->getElement<std::uint64_t>(2)) << name;
            const std::uint64_t checksum = pageChecksum(number, decoded.pages.at(number));
            EXPECT_EQ(format(Txid{checksum}), page->getElement<std::string>(3)) << name << " page " << number;
        }
        EXPECT_EQ(format(Txid{decoded.trailer.postApplyChecksum}), expected->getValue<std::string>("post_apply"))
            << name;
        EXPECT_EQ(format(Txid{decoded.trailer.fileChecksum}), expected->getValue<std::string>("file_checksum")) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(Ltx, RealFiles,
                         ::testing::Values("real-cli-0.5.17/levels", "real-cli-0.5.17/pg512", "real-cli-0.5.17/pg65536",
                                           "real-cli-0.5.17/vacuum", "real-cli-0.5.17/restart", "real-vfs-0.5.17",
                                           "hand-made"));

class FaultyFiles : public ::testing::Test {
protected:
    std::filesystem::path directory_ = testing::dataDirectory() / "faulty";
    Poco::JSON::Object::Ptr cases_ = testing::readJson(directory_ / "expected.json")->getObject("cases");

    std::set<std::string> accepted(Strictness strictness) {
        std::set<std::string> names;
        for (const auto& name : cases_->getNames()) {
            if (!testing::refusal(testing::readFile(directory_ / (name + ".ltx")), strictness)) names.insert(name);
        }
        return names;
    }
};

TEST_F(FaultyFiles, AreAllHere) {
    EXPECT_EQ(cases_->size(), 43u);
    EXPECT_EQ(testing::ltxFilesBelow(directory_).size(), cases_->size());
}

TEST_F(FaultyFiles, AreAllRefusedByVerify) {
    // Upstream does not restore files that keep their checksums, but these are right.
    EXPECT_EQ(accepted(Strictness::Verify), (std::set<std::string>{"good", "snapshot-checksums-on"}));
}

TEST_F(FaultyFiles, AreRefusedByRestoreUnlessUpstreamRestoresThem) {
    EXPECT_EQ(accepted(Strictness::Restore),
              (std::set<std::string>{"good", "snapshot-checksums-on", "page-beyond-commit", "index-size-field-wrong",
                                     "index-entry-wrong", "reserved-bytes-set"}));
    for (const auto& name : cases_->getNames()) {
        const auto upstream = cases_->getObject(name)->getValue<std::string>("real_cli");
        if (!upstream.starts_with("accepted")) continue;
        EXPECT_TRUE(accepted(Strictness::Restore).contains(name)) << name;
    }
}

TEST_F(FaultyFiles, AreCorruptOrNeedACodec) {
    for (const auto& name : cases_->getNames()) {
        const auto code = testing::refusal(testing::readFile(directory_ / (name + ".ltx")), Strictness::Restore);
        if (!code) continue;
        EXPECT_EQ(*code, name == "unknown-page-flag" ? ErrorCode::Unsupported : ErrorCode::Corrupt) << name;
    }
}

}  // namespace
}  // namespace litestream::ltx
