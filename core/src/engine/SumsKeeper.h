#pragma once

#include "engine/PageSums.h"
#include "engine/Payload.h"

#include <deque>
#include <memory>
#include <mutex>

namespace litestream::engine {

/// Page sums that are being written anew while a whole image is read. Thread-safe: the reader may be cancelled at any time and still be running; from then on
/// what it writes goes nowhere.
class SumsBuild {
public:
    SumsBuild(PageSums& file, Txid txid, std::uint32_t commit) : file_(file), txid_(txid), commit_(commit) {}

    /// Sums of consecutive pages, in order, from page 1 on; beginning again at page 1 starts over.
    void write(PageNumber first, std::span<const std::uint64_t> sums);

private:
    friend class SumsKeeper;
    void cancel();
    void seal();

    PageSums& file_;
    const Txid txid_;
    const std::uint32_t commit_;
    std::mutex mutex_;  // guards the flag and every write to the file
    bool live_ = true;
};

/// Keeps the page sums in step with the cuts: a cut is applied once its file exists somewhere durable, in order of TXID. Where the chain breaks
/// the sums are given up, until a whole image is read again. Not thread-safe.
class SumsKeeper {
public:
    explicit SumsKeeper(PageSums& file) : file_(file) {}

    /// The TXID that the file describes; 0 = untrusted.
    Txid txid() const noexcept { return build_ ? Txid{} : txid_; }
    void trust(Txid txid) noexcept { txid_ = txid; }
    void distrust();

    /// The file of this cut is durable. Each cut counts once.
    void durable(const std::shared_ptr<Payload>& payload);

    /// Begins to write the sums of an image at `txid`, if they are untrusted and nobody does so already; else null. Cuts are held back until end().
    std::shared_ptr<SumsBuild> build(Txid txid, std::uint32_t commit);
    /// The image has been read to its end and is durable, or will never be. Ignores builds that are over.
    void end(const std::shared_ptr<SumsBuild>& build, bool complete);

private:
    void apply(Payload& payload);

    PageSums& file_;
    Txid txid_;
    std::shared_ptr<SumsBuild> build_;
    std::deque<std::shared_ptr<Payload>> held_;
};

}  // namespace litestream::engine
