#pragma once

#include "levels/Inventory.h"
#include "levels/MergedBody.h"

#include <litestream/Call.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace litestream::levels {

/// The newest state of a replica whose digest is known, and how it is read: of snapshots and levels above 0 where there are any, for level-0 files are deleted
/// soon. `files` is empty when there is none, or when it takes more files than are read at a time.
struct ProvableState {
    Txid txid;
    std::vector<replica::FileInfo> files;  ///< in the order of merging
    Expected expected;
};
ProvableState provableState(const Inventory& inventory);

/// Reads every file of a replica once, in steps, and compares with what is known: names, checksums, and the digest of the newest state. Used by one thread at a
/// time; between two steps the replica may change. Holds a window for each file of that state while it reads it.
class Validation {
public:
    Validation(std::shared_ptr<replica::ReplicaStore> store, ltx::CodecSet codecs, std::shared_ptr<const Codec> codec, const Inventory& inventory);
    ~Validation();

    /// Reads on for about this long. False when everything has been read.
    /// Throws InputError for a file that is damaged (twice in a row), gone or another one, DigestError for the state, and what the transport throws. After
    /// each of them the next step goes on, behind what was found.
    bool step(std::chrono::nanoseconds time, const CancellationToken& cancellation);

    struct Read {
        replica::FileInfo file;
        std::uint64_t checksum = 0;
    };
    /// What was read to its end since the last call.
    std::vector<Read> takeRead() { return std::exchange(read_, {}); }
    /// The state that was proven, once; 0 = none.
    Txid proven() const noexcept { return proven_; }
    /// What proven() and a DigestError are about.
    const ProvableState& state() const noexcept { return state_; }
    /// The state's files were not what they were any more when they were read: nothing can be said about it.
    bool disturbed() const noexcept { return disturbed_; }
    std::size_t files() const noexcept { return files_; }

private:
    struct Reading;
    void readState();
    void readFile();

    const std::shared_ptr<replica::ReplicaStore> store_;
    const ltx::CodecSet codecs_;
    const std::shared_ptr<const Codec> codec_;
    CallContext context_;
    ProvableState state_;
    std::unique_ptr<MergedBody> body_;
    bool stateDone_ = false;
    std::deque<HeldFile> rest_;  ///< still to be read by themselves
    std::unique_ptr<Reading> reading_;
    bool second_ = false;        ///< the first of them was damaged when it was read
    std::vector<Read> read_;
    Txid proven_;
    bool disturbed_ = false;
    const std::size_t files_;
};

}  // namespace litestream::levels
