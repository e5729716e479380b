#pragma once

#include <litestream/Types.h>

#include <cstddef>
#include <cstdint>

namespace litestream {

/// How a codec marks and delimits a page inside an LTX file. Flag bits are the u16 behind the page number (LTX page frame).
struct PageForm {
    std::uint16_t flags = 0;
    /// True: a u32 with the number of packed bytes stands before them. False: the packed bytes tell their own end
    /// (upstream's files before v0.5.16, flags 0).
    bool sizePrefixed = true;
};

/// Packs one page of a database. A page codec, not a file codec: every page can be read alone, by a range.
///
/// Threads: an instance is stateless towards its callers; all methods may be called concurrently.
/// Ownership: callers own all buffers; nothing is kept behind a call.
class Codec {
public:
    virtual ~Codec() = default;

    /// The form that pack() writes.
    virtual PageForm written() const noexcept = 0;

    /// The forms that unpack() reads: at least written(). The array lives as long as the codec.
    virtual std::span<const PageForm> readable() const noexcept = 0;

    /// The most bytes that packing `pageSize` bytes can take, in any form that the codec reads.
    virtual std::size_t maxPacked(std::size_t pageSize) const noexcept = 0;

    /// Packs `page` (one of SQLite's page sizes) into `out` and returns how many bytes it wrote.
    /// `out` has at least maxPacked(page.size()) bytes. Always succeeds: an incompressible page grows a little.
    virtual std::size_t pack(ConstBytes page, MutableBytes out) const = 0;

    /// Restores a page that has the form with these `flags`. `page` has exactly the page size and is filled completely.
    /// For a size-prefixed form `packed` is exactly the packed bytes and all of them must be used; for the other form it
    /// starts with the packed bytes and may go on behind them. Returns how many bytes of `packed` belonged to the page.
    /// Throws Error(Corrupt) when the bytes do not decode to exactly one page; it never reads or writes outside the spans,
    /// whatever the bytes are.
    virtual std::size_t unpack(std::uint16_t flags, ConstBytes packed, MutableBytes page) const = 0;
};

}  // namespace litestream
