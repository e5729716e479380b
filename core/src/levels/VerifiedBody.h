#pragma once

#include "ltx/Decoder.h"
#include "replica/ReplicaStore.h"

#include <functional>
#include <optional>
#include <vector>

namespace litestream::levels {

/// Somewhere a file's bytes can be had from once more.
struct Donor {
    std::string name;                   ///< for log lines
    std::uint64_t size = 0;             ///< bytes of the file
    std::optional<std::uint64_t> fileChecksum;  ///< that it has to have; nothing = not known
    /// `context` outlives what comes back.
    std::function<ltx::ByteSource(const CallContext& context)> open;
};

/// A donor's file on its way to a replica, bit by bit as it is. It is verified in passing: before its last byte has been handed on it is known to be sound,
/// of the TXIDs that its name tells, and of the right checksum; else next() throws Error(Corrupt), and nothing becomes visible.
class VerifiedBody final : public Body {
public:
    /// Opens the file and reads its header. Everything given outlives the body.
    VerifiedBody(const Donor& donor, const replica::FileId& file, const ltx::CodecSet& codecs, const CallContext& context);

    std::optional<std::uint64_t> size() const override { return donor_.size; }
    ConstBytes next() override;
    void rewind() override;

    const ltx::Header& header() const noexcept { return decoder_->header(); }
    /// What the donor failed with, whatever a transport made of it.
    const std::optional<Error>& failure() const noexcept { return failure_; }
    /// Valid at the end.
    std::uint64_t fileChecksum() const noexcept { return decoder_->trailer().fileChecksum; }

private:
    void open();
    void read();

    const Donor& donor_;
    const replica::FileId file_;
    const ltx::CodecSet& codecs_;
    const CallContext& context_;
    std::vector<std::byte> run_;  // read and not handed on yet
    std::vector<std::byte> page_;
    std::optional<ltx::Decoder> decoder_;
    std::optional<Error> failure_;
    std::uint64_t handed_ = 0;
    bool begun_ = false;
    bool finished_ = false;
};

}  // namespace litestream::levels
