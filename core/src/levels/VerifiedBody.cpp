#include "levels/VerifiedBody.h"

#include "levels/ReadWhole.h"

#include <litestream/Error.h>

namespace litestream::levels {

namespace {

/// What next() gathers before it hands on.
constexpr std::size_t kRunBytes = 256u << 10;

}  // namespace

VerifiedBody::VerifiedBody(const Donor& donor, const replica::FileId& file, const ltx::CodecSet& codecs, const CallContext& context)
    : donor_(donor), file_(file), codecs_(codecs), context_(context) {
    rewind();
}

void VerifiedBody::rewind() {
    run_.clear();
    handed_ = 0;
    begun_ = finished_ = false;
    failure_.reset();
    try {
        open();
    } catch (const Error& error) {
        failure_ = error;
        throw;
    }
}

void VerifiedBody::open() {
    // What the decoder reads is what goes on.
    auto source = [this, inner = donor_.open(context_)](MutableBytes into) {
        const std::size_t count = inner(into);
        run_.insert(run_.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(count));
        return count;
    };
    decoder_.emplace(std::move(source), codecs_, ltx::Decoder::Strictness::Verify);
    const ltx::Header& header = decoder_->header();
    try {
        checkName(header, file_);
    } catch (const Error& error) {
        throw error.within("copy from " + donor_.name);
    }
    page_.resize(header.pageSize);
}

ConstBytes VerifiedBody::next() {
    if (begun_) {
        handed_ += run_.size();
        run_.clear();
    }
    begun_ = true;
    try {
        read();
    } catch (const Error& error) {
        failure_ = error;
        throw;
    }
    return run_;
}

void VerifiedBody::read() {
    // The last byte waits for the end of the decoding.
    while (!finished_ && (run_.size() < kRunBytes || handed_ + run_.size() >= donor_.size)) {
        context_.check("copy");
        finished_ = decoder_->next(page_) == 0;
    }
    if (!finished_) return;
    if (handed_ + run_.size() != donor_.size) throw Error(ErrorCode::Corrupt, "copy from " + donor_.name + ": it is not as long as it was");
    if (donor_.fileChecksum && *donor_.fileChecksum != fileChecksum()) {
        throw Error(ErrorCode::Corrupt, "copy from " + donor_.name + ": it has not the checksum that it had");
    }
}

}  // namespace litestream::levels
