#pragma once

#include "ltx/Merge.h"
#include "replica/ReadAhead.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace litestream::levels {

/// An Error because of one of several files.
class InputError : public Error {
public:
    InputError(const replica::FileId& input, const Error& error) : Error(error), input_(input) {}
    const replica::FileId& input() const noexcept { return input_; }

private:
    replica::FileId input_;
};

/// Files that, read as a restore would read them, do not make the state that they have to make.
class DigestError : public Error {
public:
    DigestError(std::uint64_t expected, std::uint64_t found);
    std::uint64_t expected() const noexcept { return expected_; }
    std::uint64_t found() const noexcept { return found_; }

private:
    std::uint64_t expected_;
    std::uint64_t found_;
};

/// A file under its name that is sound and yet not the one that was stored.
Error anotherFile(const std::string& key, std::uint64_t expected, std::uint64_t found);

/// What a merge has to find while it reads.
struct Expected {
    /// The file checksum of each input, in their order, as far as it is known; may be empty.
    std::vector<std::optional<std::uint64_t>> checksums;
    /// Of the state that the output is, where it begins at TXID 1.
    std::optional<std::uint64_t> digest;
};

/// Files of a replica, merged while they are read: the content of a compacted file on its way out. Memory is 8 MiB for reading ahead, a
/// decoder's window for each input, and a little for the page index.
class MergedBody final : public Body {
public:
    /// Opens all inputs; throws InputError. Everything given but `visitor` outlives the body. It ends with an InputError(Corrupt) or a DigestError, and
    /// never as a whole file, when it does not find what is `expected`. `scratch`: see ltx::Encoder.
    MergedBody(replica::ReplicaStore& store, std::span<const replica::FileInfo> inputs, const ltx::CodecSet& codecs, const Codec& codec,
               const CallContext& context, const Expected& expected, ltx::Merger::PageVisitor visitor = {},
               std::filesystem::path scratch = {});

    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    ConstBytes next() override;
    void rewind() override;

    const ltx::Header& header() const noexcept { return merger_->header(); }
    /// The input because of which the body ended, whatever a transport made of that error.
    const std::optional<replica::FileId>& culprit() const noexcept { return culprit_; }
    /// How the state that was read differs from the one that is expected.
    const std::optional<DigestError>& mismatch() const noexcept { return mismatch_; }
    /// The file checksums of the inputs, once the body is complete.
    std::vector<std::uint64_t> checksums() const;
    /// Of the whole file; produces what is missing of it.
    const ltx::Encoder::Result& result();

private:
    void open(const replica::FileInfo& input, ltx::ByteSource source);
    void judge();

    replica::ReplicaStore& store_;
    const std::span<const replica::FileInfo> inputs_;
    const ltx::CodecSet& codecs_;
    const Codec& codec_;
    const CallContext& context_;
    const Expected& expected_;
    const ltx::Merger::PageVisitor visitor_;
    std::uint64_t digest_ = 0;
    const std::filesystem::path scratch_;
    std::optional<replica::ReadAhead> reading_;
    std::vector<ltx::Decoder> decoders_;
    ltx::MemorySink sink_;
    std::optional<ltx::Merger> merger_;
    std::optional<replica::FileId> culprit_;
    std::optional<DigestError> mismatch_;
    bool begun_ = false;
    bool finished_ = false;
};

}  // namespace litestream::levels
