#include "ltx/Merge.h"

#include "ltx/PageOrder.h"

#include <litestream/Error.h>

#include <queue>

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

/// One input and the page it stands at.
class Head {
public:
    explicit Head(Decoder& input) : input_(input), content_(input.header().pageSize) {}

    PageNumber advance() {
        try {
            return page_ = input_.next(content_);
        } catch (const Error& error) {
            throw error.within("merge " + nameOf(input_.header()));
        }
    }

    /// Packed bytes pass through when `codec` would write the same form: packing is what a merge would spend most of its time on.
    void writeTo(Encoder& encoder, PageForm form) const {
        const Decoder::Packed& packed = input_.packed();
        if (packed.flags == form.flags) {
            encoder.addPacked(page_, content_, packed.bytes);
        } else {
            encoder.addPage(page_, content_);
        }
    }

private:
    Decoder& input_;
    std::vector<std::byte> content_;
    PageNumber page_ = 0;
};

/// Orders inputs by their page, and for one page the newest input first.
struct Candidate {
    PageNumber page;
    std::size_t input;
    bool operator<(const Candidate& other) const noexcept {
        return page != other.page ? page > other.page : input < other.input;
    }
};

}  // namespace

Encoder::Result merge(std::vector<Decoder>& inputs, ByteSink& output, const Codec& codec) {
    const Header header = mergedHeader(inputs);
    Encoder encoder(output, header, codec);
    PageOrder order(header);
    const auto admit = [](const std::string& rule) {
        // The files are to blame, not the caller: each is sound, together they are not.
        if (!rule.empty()) throw Error(ErrorCode::Corrupt, "merge LTX files: " + rule);
    };

    std::vector<Head> heads;
    heads.reserve(inputs.size());
    std::priority_queue<Candidate> queue;
    const auto advance = [&](std::size_t input) {
        if (const PageNumber page = heads[input].advance(); page != 0) queue.push({page, input});
    };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        heads.emplace_back(inputs[i]);
        advance(i);
    }
    while (!queue.empty()) {
        const Candidate newest = queue.top();
        if (newest.page <= header.commit) {
            admit(order.admit(newest.page));
            heads[newest.input].writeTo(encoder, codec.written());
        }
        while (!queue.empty() && queue.top().page == newest.page) {
            const std::size_t input = queue.top().input;
            queue.pop();
            advance(input);
        }
    }
    admit(order.finish());
    return encoder.finish();
}

}  // namespace litestream::ltx
