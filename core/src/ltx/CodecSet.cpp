#include "ltx/CodecSet.h"

#include <litestream/Error.h>

#include <algorithm>

#include <fmt/format.h>

namespace litestream::ltx {

void CodecSet::add(const std::shared_ptr<const Codec>& codec) {
    for (const PageForm& form : codec->readable()) {
        const bool taken = std::any_of(entries_.begin(), entries_.end(),
                                       [&](const Entry& entry) { return entry.form.flags == form.flags; });
        if (!taken) entries_.push_back({form, codec});
    }
}

CodecSet::Match CodecSet::find(std::uint16_t flags) const {
    for (const Entry& entry : entries_) {
        if (entry.form.flags == flags) return {entry.codec.get(), entry.form};
    }
    throw Error(ErrorCode::Unsupported,
                fmt::format("no codec reads page flags {:#06x}. Load the plugin that wrote this replica", flags));
}

std::size_t CodecSet::maxPacked(std::size_t pageSize) const noexcept {
    std::size_t most = 0;
    for (const Entry& entry : entries_) most = std::max(most, entry.codec->maxPacked(pageSize));
    return most;
}

}  // namespace litestream::ltx
