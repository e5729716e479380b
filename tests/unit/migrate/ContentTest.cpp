#include "Fixture.h"
#include "migrate/StreamedContent.h"
#include "support/ErrorOf.h"

#include <gtest/gtest.h>

#include <cstring>

namespace litestream::migrate {
namespace {

using test::codecs;
using test::readFile;

Object objectOf(const std::filesystem::path& path) {
    const auto placed = findReplicaKey(path.generic_string());
    return {placed->key.id, std::filesystem::file_size(path), {}, placed->key.family};
}

PieceReader readerOf(std::vector<std::byte> bytes) {
    return [bytes = std::move(bytes)](std::uint64_t offset, MutableBytes into) {
        if (offset + into.size() > bytes.size()) throw Error(ErrorCode::Corrupt, "ends");
        std::memcpy(into.data(), bytes.data() + offset, into.size());
    };
}

std::vector<std::byte> drain(Body& body) {
    std::vector<std::byte> all;
    for (ConstBytes run = body.next(); !run.empty(); run = body.next()) all.insert(all.end(), run.begin(), run.end());
    return all;
}

std::vector<std::filesystem::path> officialFiles() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test::officialReplica())) {
        if (entry.path().extension() == ".ltx") files.push_back(entry.path());
    }
    return files;
}

TEST(ContentTest, WhatUpstreamWroteIsSound) {
    ASSERT_GT(officialFiles().size(), 5u);
    for (const auto& path : officialFiles()) {
        const auto bytes = readFile(path);
        const auto content = openChecked(objectOf(path), readerOf(bytes), codecs());
        EXPECT_TRUE(content->timestamp());
        EXPECT_EQ(drain(*content), bytes);
        StreamedContent streamed(objectOf(path), readerOf(bytes), codecs());
        EXPECT_EQ(drain(streamed), bytes);
        EXPECT_EQ(streamed.timestamp(), content->timestamp());
    }
}

TEST(ContentTest, NoDamagedByteIsLetThrough) {
    const auto path = test::officialReplica() / "ltx/0/0000000000000030-0000000000000030.ltx";
    const auto bytes = readFile(path);
    for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 97) {
        auto damaged = bytes;
        damaged[at] ^= std::byte{1};
        EXPECT_THROW(openChecked(objectOf(path), readerOf(damaged), codecs()), Error) << at;
        StreamedContent streamed(objectOf(path), readerOf(damaged), codecs());
        EXPECT_THROW(streamed.next(), Error) << at;
        EXPECT_TRUE(streamed.failure());
    }
}

TEST(ContentTest, ANameIsComparedWithItsHeader) {
    const auto path = test::officialReplica() / "ltx/0/0000000000000030-0000000000000030.ltx";
    Object object = objectOf(path);
    object.id = replica::FileId{replica::kLevel0, {{0x31}, {0x31}}};
    const Error error = test::errorOf([&] { openChecked(object, readerOf(readFile(path)), codecs()); });
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_NE(std::string(error.what()).find("its header says"), std::string::npos);
}

TEST(ContentTest, TheEndOfALargeObjectWaitsForTheCheck) {
    auto bytes = test::snapshot(1500);
    const Object object{replica::FileId{{9}, {{1}, {5}}}, bytes.size()};
    ASSERT_GT(bytes.size(), kWholeInMemory);
    const auto whole = openChecked(object, readerOf(bytes), codecs());
    EXPECT_EQ(whole->timestamp(), (Timestamp{1234}));
    EXPECT_EQ(drain(*whole), bytes);
    whole->rewind();
    EXPECT_FALSE(whole->next().empty());
    whole->rewind();
    EXPECT_EQ(drain(*whole), bytes) << "from the first byte again";

    bytes.back() ^= std::byte{1};
    const auto damaged = openChecked(object, readerOf(bytes), codecs());
    std::uint64_t got = 0;
    EXPECT_THROW(
        for (ConstBytes run = damaged->next(); !run.empty(); run = damaged->next()) got += run.size(), Error);
    EXPECT_LT(got, object.size);
}

TEST(ContentTest, AnAbandonedObjectEndsItsReader) {
    const auto bytes = test::snapshot(1500);
    const Object object{replica::FileId{{9}, {{1}, {5}}}, bytes.size()};
    const auto content = openChecked(object, readerOf(bytes), codecs());
    EXPECT_FALSE(content->next().empty());
}

TEST(ContentTest, AFailureOfTheSourceIsItsOwn) {
    const Object object{replica::FileId{{9}, {{1}, {5}}}, kWholeInMemory + 1};
    const auto content = openChecked(object, [](std::uint64_t, MutableBytes) { throw Error(ErrorCode::NotFound, "gone"); }, codecs());
    EXPECT_EQ(test::errorOf([&] { content->next(); }).code(), ErrorCode::NotFound);
    EXPECT_EQ(content->failure()->code(), ErrorCode::NotFound);
    EXPECT_EQ(test::errorOf([&] { content->timestamp(); }).code(), ErrorCode::NotFound);
}

TEST(ContentTest, WhatIsNoLz4FileIsRefused) {
    const auto refusal = [](std::string_view text) {
        const Object object{GenerationFile{1, 1, std::nullopt}, text.size()};
        const auto bytes = std::as_bytes(std::span(text));
        return test::errorOf([&] { openChecked(object, readerOf({bytes.begin(), bytes.end()}), codecs()); });
    };
    EXPECT_EQ(refusal("").code(), ErrorCode::Corrupt);
    EXPECT_EQ(refusal("SQLite format 3").code(), ErrorCode::Corrupt);
    EXPECT_EQ(refusal("age-encryption.org/v1\n-> X25519 ...").code(), ErrorCode::Unsupported);
}

}  // namespace
}  // namespace litestream::migrate
