#include "levels/MergedBody.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::levels {

namespace {

/// What next() gathers before it hands on.
constexpr std::size_t kRunBytes = 256u << 10;
/// Of all inputs together, read ahead.
constexpr std::size_t kReadAhead = 8u << 20;

}  // namespace

MergedBody::MergedBody(replica::ReplicaStore& store, std::span<const replica::FileInfo> inputs, const ltx::CodecSet& codecs,
                       const Codec& codec, const CallContext& context)
    : store_(store), inputs_(inputs), codecs_(codecs), codec_(codec), context_(context) {
    rewind();
}

void MergedBody::rewind() {
    merger_.reset();
    decoders_.clear();
    sink_.clear();
    begun_ = finished_ = false;
    culprit_.reset();
    const std::size_t piece = std::clamp<std::size_t>(kReadAhead / inputs_.size(), 128u << 10, replica::ReplicaStore::kPieceBytes);
    decoders_.reserve(inputs_.size());
    for (const auto& input : inputs_) {
        try {
            const auto& header = decoders_.emplace_back(store_.open(input, context_, piece), codecs_).header();
            if (header.minTxid != input.id.range.min || header.maxTxid != input.id.range.max) {
                throw Error(ErrorCode::Corrupt, "its header is that of " + ltx::fileName({header.minTxid, header.maxTxid}));
            }
        } catch (const Error& error) {
            culprit_ = input.id;
            throw InputError(input.id, error.within("merge " + store_.layout().key(input.id)));
        }
    }
    merger_.emplace(decoders_, sink_, codec_);
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
    }
    return sink_.bytes();
}

const ltx::Encoder::Result& MergedBody::result() {
    while (!finished_) next();
    return merger_->result();
}

}  // namespace litestream::levels
