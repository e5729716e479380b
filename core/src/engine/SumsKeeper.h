#pragma once

#include "engine/PageSums.h"
#include "engine/Payload.h"

#include <deque>
#include <functional>
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
    /// Of what was written, once the reader has come to the end.
    std::uint64_t digest();

private:
    friend class SumsKeeper;
    void cancel();
    void seal();

    PageSums& file_;
    const Txid txid_;
    const std::uint32_t commit_;
    std::mutex mutex_;  // guards these two and every write to the file
    bool live_ = true;
    std::uint64_t digest_ = ltx::kEmptyDigest;
};

/// Keeps the page sums in step with the cuts: a cut is applied once its file exists somewhere durable, in order of TXID. Where the chain breaks
/// the sums are given up, until a whole image is read again. Not thread-safe.
class SumsKeeper {
public:
    struct Events {
        /// The digest of the state at `txid` has become known.
        std::function<void(Txid txid, std::uint64_t digest)> known;
        /// The digest that was carried along was not that of the image: no earlier one is to be believed.
        std::function<void(Txid txid)> wrong;
    };

    explicit SumsKeeper(PageSums& file, Events events = {}) : file_(file), events_(std::move(events)) {}

    /// The TXID that the file describes; 0 = untrusted.
    Txid txid() const noexcept { return build_ ? Txid{} : txid_; }
    /// Of the state at txid(); none when untrusted.
    std::optional<std::uint64_t> digest() const;
    /// What the file says is to be believed.
    void trust(const PageSums::State& state);
    void distrust();
    /// An image of the state at txid() was read whole and has this digest.
    void correct(std::uint64_t digest);

    /// The file of this cut is durable. Each cut counts once.
    void durable(const std::shared_ptr<Payload>& payload);

    /// Begins to write the sums of an image at `txid`, if they are untrusted and nobody does so already; else null. Cuts are held back until end().
    std::shared_ptr<SumsBuild> build(Txid txid, std::uint32_t commit);
    /// The image has been read to its end and is durable, or will never be. Ignores builds that are over.
    void end(const std::shared_ptr<SumsBuild>& build, bool complete);

private:
    void apply(Payload& payload);

    void reach(Txid txid, std::uint64_t digest);

    PageSums& file_;
    const Events events_;
    Txid txid_;
    std::uint64_t digest_ = 0;
    std::shared_ptr<SumsBuild> build_;
    std::deque<std::shared_ptr<Payload>> held_;
};

}  // namespace litestream::engine
