#pragma once

#include <litestream/Codec.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace litestream::ltx {

/// The codecs at hand, found by the flags of a page. Immutable after setup, then thread-safe.
class CodecSet {
public:
    /// Adds every form that `codec` reads. A form that is taken already stays with its first owner.
    void add(const std::shared_ptr<const Codec>& codec);

    struct Match {
        const Codec* codec;
        PageForm form;
    };
    /// Throws Error(Unsupported), naming the flags, when no codec reads them.
    Match find(std::uint16_t flags) const;

    /// The most bytes that a packed page takes in any form at hand.
    std::size_t maxPacked(std::size_t pageSize) const noexcept;

private:
    struct Entry {
        PageForm form;
        std::shared_ptr<const Codec> codec;
    };
    std::vector<Entry> entries_;
};

}  // namespace litestream::ltx
