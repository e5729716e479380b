#include "ltx/Merge.h"

#include <litestream/Error.h>

#include <utility>

#include <fmt/format.h>

namespace litestream::ltx {

namespace {

[[noreturn]] void refuse(const std::string& rule) {
    throw Error(ErrorCode::InvalidArgument, "merge LTX files: " + rule);
}

std::string nameOf(const Header& header) {
    return fileName({header.minTxid, header.maxTxid});
}

Header mergedHeader(const std::vector<Decoder>& inputs) {
    if (inputs.empty()) refuse("no files given");
    for (std::size_t i = 1; i < inputs.size(); ++i) {
        const Header& older = inputs[i - 1].header();
        const Header& newer = inputs[i].header();
        if (newer.pageSize != older.pageSize) {
            refuse(fmt::format("{} has page size {}, {} has {}", nameOf(older), older.pageSize, nameOf(newer),
                               newer.pageSize));
        }
        if (newer.maxTxid <= older.maxTxid)
            refuse(fmt::format("{} brings nothing new behind {}", nameOf(newer), nameOf(older)));
        if (newer.minTxid > older.maxTxid.next())
            refuse(fmt::format("gap between {} and {}", nameOf(older), nameOf(newer)));
    }
    const Header& first = inputs.front().header();
    const Header& last = inputs.back().header();
    Header merged;
    merged.pageSize = first.pageSize;
    merged.commit = last.commit;
    merged.minTxid = first.minTxid;
    merged.maxTxid = last.maxTxid;
    merged.timestamp = last.timestamp;
    // A merged range has no place in one WAL.
    merged.wal = WalRange{0, 0, 0, 0};
    return merged;
}

/// The files are to blame, not the caller: each is sound, together they are not.
void admit(const std::string& rule) {
    if (!rule.empty()) throw Error(ErrorCode::Corrupt, "merge LTX files: " + rule);
}

}  // namespace

Merger::Merger(std::vector<Decoder>& inputs, ByteSink& output, const Codec& codec, PageVisitor visitor, std::filesystem::path scratch)
    : header_(mergedHeader(inputs)),
      codec_(codec),
      visitor_(std::move(visitor)),
      encoder_(output, header_, codec, std::move(scratch)),
      order_(header_) {
    heads_.reserve(inputs.size());
    for (Decoder& input : inputs) heads_.push_back({input, std::vector<std::byte>(header_.pageSize)});
}

void Merger::advance(std::size_t input) {
    Head& head = heads_[input];
    culprit_ = input;
    try {
        if (const PageNumber page = head.input.next(head.content); page != 0) queue_.push({page, input});
    } catch (const Error& error) {
        throw error.within("merge " + nameOf(head.input.header()));
    }
    culprit_.reset();
}

void Merger::write(const Candidate& newest) {
    admit(order_.admit(newest.page));
    const Head& head = heads_[newest.input];
    if (visitor_) visitor_(newest.page, pageChecksum(newest.page, head.content));
    // Packed bytes pass through when `codec` would write the same form: packing is what a merge would spend most of its time on.
    const Decoder::Packed& packed = head.input.packed();
    if (packed.flags == codec_.written().flags) {
        encoder_.addPacked(newest.page, head.content, packed.bytes);
    } else {
        encoder_.addPage(newest.page, head.content);
    }
}

bool Merger::step() {
    if (finished_) return false;
    if (!std::exchange(started_, true)) {
        for (std::size_t input = 0; input < heads_.size(); ++input) advance(input);
    }
    if (queue_.empty()) {
        if (!std::exchange(complete_, true)) admit(order_.finish());
        finished_ = encoder_.finishStep();
        return true;
    }
    const Candidate newest = queue_.top();
    if (newest.page <= header_.commit) write(newest);
    while (!queue_.empty() && queue_.top().page == newest.page) {
        const std::size_t input = queue_.top().input;
        queue_.pop();
        advance(input);
    }
    return true;
}

Encoder::Result merge(std::vector<Decoder>& inputs, ByteSink& output, const Codec& codec) {
    Merger merger(inputs, output, codec);
    while (merger.step()) {
    }
    return merger.result();
}

}  // namespace litestream::ltx
