#pragma once

#include <litestream/Types.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace litestream::engine {

/// A page and its LTX page checksum.
struct PageSum {
    PageNumber page = 0;
    std::uint64_t sum = 0;
};

/// The checksum of every page of the database as of one TXID, in a file of 8 bytes per page. After lost continuity it tells which
/// pages differ, so that a reconcile ships only those.
///
/// The file says for which TXID its entries are, and whether an update to a further TXID was under way ("dirty"): that update can be
/// repeated from its file, since it only overwrites entries. The file is believed only while it cannot have been torn by a power failure: it
/// carries the boot's identity until flush() has made it durable.
///
/// With the entries goes their *digest*, LTX's database checksum: the page checksums of all pages, added up (XOR). It is carried along, entry by
/// entry, so it costs no reading of the others, and tells at once what a copy of the state has to have.
///
/// Not thread-safe. Keeps nothing open between calls: an idle database costs no descriptor and no mapping.
class PageSums {
public:
    explicit PageSums(std::filesystem::path file) : file_(std::move(file)) {}

    /// The TXID whose state the entries describe; none when absent or not to be believed.
    struct State {
        Txid txid;        ///< 0: untrusted
        bool dirty = false;  ///< `pending` was being applied
        Txid pending;
        std::uint32_t commit = 0;
        std::uint64_t digest = 0;  ///< of the state at `txid`
    };
    State load() const;

    /// Applies one cut: `sums` in any order, each page once, `commit` pages afterwards. `from` is the TXID that the entries describe now; an update that was
    /// under way can be repeated. Returns the digest of the new state.
    /// Throws Error(DiskFull) and the like without harm: the file is then still dirty. Error(Corrupt) when the file is not the one that `from` speaks of.
    std::uint64_t apply(Txid from, Txid to, std::uint32_t commit, std::span<const PageSum> sums);

    /// Begins to describe a new state from scratch: untrusted until seal().
    void begin(std::uint32_t commit);
    /// Entries of consecutive pages from `first` on, after begin().
    void write(PageNumber first, std::span<const std::uint64_t> sums);
    void seal(Txid txid, std::uint32_t commit, std::uint64_t digest);
    /// The digest turned out to be another one, by an image of the state that was read whole.
    void correct(std::uint64_t digest);

    /// Entries of consecutive pages from `first` on; pages beyond the file read as 0, which no page has.
    void read(PageNumber first, std::span<std::uint64_t> sums) const;

    void invalidate();
    /// fsync and believe it after a reboot, for a clean shutdown.
    void flush();

private:
    std::filesystem::path file_;
};

}  // namespace litestream::engine
