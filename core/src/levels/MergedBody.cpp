#include "levels/MergedBody.h"

#include "levels/ReadWhole.h"

#include <litestream/Error.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace litestream::levels {

namespace {

/// What next() gathers before it hands on.
constexpr std::size_t kRunBytes = 256u << 10;
/// Of all inputs together: what is used and what is read ahead.
constexpr double kReadAhead = 8u << 20;
constexpr double kLeastPiece = 16u << 10;
constexpr double kMostPiece = 4u << 20;
/// Requests at a time. More would only keep uploads waiting.
constexpr std::size_t kMostHelpers = 4;

/// The size of requests for each input. Least requests in all are made when they are as the roots of the sizes.
std::vector<std::size_t> piecesFor(std::span<const replica::FileInfo> inputs) {
    double roots = 0;
    for (const auto& input : inputs) roots += std::sqrt(static_cast<double>(input.size));
    std::vector<std::size_t> pieces;
    for (const auto& input : inputs) {
        const double share = kReadAhead / 2 * std::sqrt(static_cast<double>(input.size)) / std::max(roots, 1.0);
        pieces.push_back(static_cast<std::size_t>(std::clamp(share, kLeastPiece, kMostPiece)));
    }
    return pieces;
}

}  // namespace

DigestError::DigestError(std::uint64_t expected, std::uint64_t found)
    : Error(ErrorCode::Corrupt, fmt::format("the database's digest is {:016x}, the replica's is {:016x}", expected, found)), expected_(expected), found_(found) {}

Error anotherFile(const std::string& key, std::uint64_t expected, std::uint64_t found) {
    return {ErrorCode::Corrupt, fmt::format("read {}: another file than the one that was stored: its checksum is {:016x} instead of {:016x}", key, found, expected)};
}

MergedBody::MergedBody(replica::ReplicaStore& store, std::span<const replica::FileInfo> inputs, const ltx::CodecSet& codecs,
                       const Codec& codec, const CallContext& context, const Expected& expected, ltx::Merger::PageVisitor visitor,
                       std::filesystem::path scratch)
    : store_(store),
      inputs_(inputs),
      codecs_(codecs),
      codec_(codec),
      context_(context),
      expected_(expected),
      visitor_(std::move(visitor)),
      scratch_(std::move(scratch)) {
    rewind();
}

void MergedBody::rewind() {
    merger_.reset();
    decoders_.clear();
    sink_.clear();
    begun_ = finished_ = false;
    culprit_.reset();
    mismatch_.reset();
    reading_.emplace(store_, context_, static_cast<unsigned>(std::min<std::size_t>({inputs_.size(), store_.capabilities().concurrency, kMostHelpers})));
    const auto pieces = piecesFor(inputs_);
    std::vector<ltx::ByteSource> sources;
    for (std::size_t i = 0; i < inputs_.size(); ++i) sources.push_back(reading_->open(inputs_[i], pieces[i]));
    decoders_.reserve(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) open(inputs_[i], std::move(sources[i]));
    digest_ = ltx::kEmptyDigest;
    ltx::Merger::PageVisitor visit;
    if (expected_.digest || visitor_) {
        visit = [this](PageNumber page, std::uint64_t checksum) {
            digest_ = ltx::addToDigest(digest_, checksum);
            if (visitor_) visitor_(page, checksum);
        };
    }
    merger_.emplace(decoders_, sink_, codec_, std::move(visit), scratch_);
}

void MergedBody::open(const replica::FileInfo& input, ltx::ByteSource source) {
    try {
        checkName(decoders_.emplace_back(std::move(source), codecs_).header(), input.id);
    } catch (const Error& error) {
        culprit_ = input.id;
        throw InputError(input.id, error.within("merge " + store_.layout().key(input.id)));
    }
}

ConstBytes MergedBody::next() {
    // The first run begins with the header, which is written already.
    if (begun_) sink_.clear();
    begun_ = true;
    while (!finished_ && sink_.bytes().size() < kRunBytes) {
        context_.check("merge");
        try {
            finished_ = !merger_->step();
        } catch (const Error& error) {
            if (!merger_->culprit()) throw;
            culprit_ = inputs_[*merger_->culprit()].id;
            throw InputError(*culprit_, error);
        }
        if (finished_) judge();
    }
    return sink_.bytes();
}

void MergedBody::judge() {
    // Whoever takes the bytes has not seen their end yet, so what is thrown here leaves no file.
    for (std::size_t i = 0; i < expected_.checksums.size(); ++i) {
        const auto& known = expected_.checksums[i];
        const std::uint64_t found = decoders_[i].trailer().fileChecksum;
        if (!known || *known == found) continue;
        culprit_ = inputs_[i].id;
        throw InputError(*culprit_, anotherFile(store_.layout().key(*culprit_), *known, found));
    }
    if (!expected_.digest || *expected_.digest == digest_) return;
    mismatch_.emplace(*expected_.digest, digest_);
    throw *mismatch_;
}

std::vector<std::uint64_t> MergedBody::checksums() const {
    std::vector<std::uint64_t> found;
    for (const auto& decoder : decoders_) found.push_back(decoder.trailer().fileChecksum);
    return found;
}

const ltx::Encoder::Result& MergedBody::result() {
    while (!finished_) next();
    return merger_->result();
}

}  // namespace litestream::levels
