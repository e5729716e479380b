#pragma once

#include "ltx/Decoder.h"
#include "ltx/Encoder.h"

#include <litestream/Error.h>
#include <litestream/Options.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <Poco/JSON/Object.h>
#include <gtest/gtest.h>

/// What the tests of this area share: the lz4 codec as the plugin delivers it, files, decoded files, and pages to write.
namespace litestream::ltx::testing {

using Buffer = std::vector<std::byte>;
using Pages = std::map<PageNumber, Buffer>;
using Strictness = Decoder::Strictness;

/// The codec of the built plugin, opened through its descriptor.
std::shared_ptr<const Codec> openLz4(const OptionValues& options = {});
const Codec& lz4();
const CodecSet& lz4Set();

std::filesystem::path dataDirectory();
Buffer readFile(const std::filesystem::path& path);
Poco::JSON::Object::Ptr readJson(const std::filesystem::path& path);
std::vector<std::filesystem::path> ltxFilesBelow(const std::filesystem::path& directory);

/// Hands out `bytes` in pieces of at most `piece`. `bytes` must outlive the source.
ByteSource sourceOf(ConstBytes bytes, std::size_t piece = SIZE_MAX);

struct DecodedFile {
    Header header;
    Trailer trailer;
    Pages pages;
};
DecodedFile decode(ConstBytes file, Strictness strictness = Strictness::Verify, std::size_t piece = SIZE_MAX);

/// The code of the error that decoding ends with, or nothing when the file is accepted.
std::optional<ErrorCode> refusal(ConstBytes file, Strictness strictness);

Header header(std::uint32_t pageSize, std::uint32_t commit, std::uint64_t minTxid, std::uint64_t maxTxid);
Buffer encodeFile(const Header& header, const Pages& pages);

/// Two kinds of content, both repeatable: words that pack well and noise that does not.
Buffer textPage(std::uint32_t pageSize, std::uint32_t seed);
Buffer noisePage(std::uint32_t pageSize, std::uint32_t seed);

/// Succeeds when `action` throws an Error of this code whose text contains `text`.
template <class Action>
::testing::AssertionResult fails(ErrorCode code, const std::string& text, Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        const bool expected = error.code() == code && std::string(error.what()).find(text) != std::string::npos;
        if (expected) return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << describe(error.code()) << ": " << error.what();
    }
    return ::testing::AssertionFailure() << "nothing was thrown";
}

}  // namespace litestream::ltx::testing
