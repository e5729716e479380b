#pragma once

#include "ltx/Merge.h"
#include "replica/ReplicaStore.h"

#include <memory>
#include <optional>
#include <span>
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

/// Files of a replica, merged while they are read: the content of a compacted file on its way out. Memory is some buffers per input and the output's
/// page index.
class MergedBody final : public Body {
public:
    /// Opens all inputs; throws InputError. Everything given outlives the body.
    MergedBody(replica::ReplicaStore& store, std::span<const replica::FileInfo> inputs, const ltx::CodecSet& codecs, const Codec& codec,
               const CallContext& context);

    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    ConstBytes next() override;
    void rewind() override;

    const ltx::Header& header() const noexcept { return merger_->header(); }
    /// The input because of which the body ended, whatever a transport made of that error.
    const std::optional<replica::FileId>& culprit() const noexcept { return culprit_; }
    /// Of the whole file; produces what is missing of it.
    const ltx::Encoder::Result& result();

private:
    replica::ReplicaStore& store_;
    const std::span<const replica::FileInfo> inputs_;
    const ltx::CodecSet& codecs_;
    const Codec& codec_;
    const CallContext& context_;
    std::vector<ltx::Decoder> decoders_;
    ltx::MemorySink sink_;
    std::optional<ltx::Merger> merger_;
    std::optional<replica::FileId> culprit_;
    bool begun_ = false;
    bool finished_ = false;
};

}  // namespace litestream::levels
