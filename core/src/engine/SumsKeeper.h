#pragma once

#include "engine/PageSums.h"
#include "engine/Payload.h"

#include <deque>
#include <memory>

namespace litestream::engine {

/// Keeps the page sums in step with the cuts: a cut is applied once its file exists somewhere durable, in order of TXID.
/// Where the chain breaks the sums are given up, until a whole image is read again (build).
///
/// Not thread-safe, except that begin() to write() of a build run on the thread that reads the image, with nothing else calling meanwhile
/// than hold()ing.
class SumsKeeper {
public:
    explicit SumsKeeper(PageSums& file) : file_(file) {}

    /// The TXID that the file describes; 0 = untrusted.
    Txid txid() const noexcept { return building_ ? Txid{} : txid_; }
    void trust(Txid txid) noexcept { txid_ = txid; }
    void distrust();

    /// The file of this cut is durable.
    void durable(const std::shared_ptr<Payload>& payload);

    /// True when a build may begin: the sums are untrusted and nobody builds them.
    bool wanted() const noexcept { return !building_ && !txid_; }
    bool building() const noexcept { return building_; }
    /// A whole image at `txid` is about to be read. Until built() or failed(), cuts are held back.
    void build(Txid txid);
    void built(std::uint32_t commit);
    void failed();

private:
    void apply(Payload& payload);

    PageSums& file_;
    Txid txid_;
    bool building_ = false;
    Txid target_;
    std::deque<std::shared_ptr<Payload>> held_;
};

}  // namespace litestream::engine
