#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

/// What the writer writes and the oracle expects. Every transaction is a function of (seed, n, settings), so a database that holds the
/// transactions 1..n can be checked without any copy of it: replay the numbers, compare.
namespace litestream::tools {

/// SplitMix64's finaliser: a good 64-bit hash of a counter.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

class Random {
public:
    explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}
    constexpr std::uint64_t next() noexcept { return mix(state_++); }
    /// A number in [0, bound); bound > 0.
    constexpr std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
    constexpr bool oneIn(std::uint64_t chances) noexcept { return below(chances) == 0; }

private:
    std::uint64_t state_;
};

/// Link n of the hash chain. The value that is stored stays positive, as SQLite's integers are signed.
constexpr std::uint64_t chainLink(std::uint64_t previous, std::uint64_t n, std::uint64_t seed) noexcept {
    return mix(previous ^ mix(n ^ mix(seed))) >> 1;
}

/// How large transactions are; stored in the database with the first n that they hold for.
struct Settings {
    std::uint64_t rows = 1;
    std::uint64_t rowBytes = 100;
    std::uint64_t randomPercent = 100;  ///< share of a row that does not compress
    bool chaos = false;                 ///< varying sizes, scattered keys, deletions

    friend bool operator==(const Settings&, const Settings&) = default;
};

/// Transaction n: first it deletes the rows of transactions [deleteFrom, deleteTo), then it adds its own.
struct Shape {
    std::uint64_t rows = 0;
    std::uint64_t deleteFrom = 0;
    std::uint64_t deleteTo = 0;
};

constexpr Shape shapeOf(const Settings& settings, std::uint64_t seed, std::uint64_t n) noexcept {
    Shape shape{settings.rows, 0, 0};
    if (!settings.chaos) {
        return shape;
    }
    Random random(mix(seed) ^ n);
    shape.rows = 1 + random.below(settings.rows * 20);
    if (random.oneIn(10)) {
        // Sometimes a hole somewhere, sometimes everything old: the database must shrink as well as grow.
        shape.deleteFrom = random.oneIn(3) ? 0 : random.below(n);
        shape.deleteTo = shape.deleteFrom == 0 ? (n > 100 ? n - 100 : 0) : shape.deleteFrom + random.below(20);
        shape.deleteTo = shape.deleteTo < n ? shape.deleteTo : n;
        shape.deleteTo = shape.deleteTo < shape.deleteFrom ? shape.deleteFrom : shape.deleteTo;
    }
    return shape;
}

constexpr std::size_t rowBytesOf(const Settings& settings, std::uint64_t seed, std::uint64_t n, std::uint64_t i) noexcept {
    if (!settings.chaos) {
        return settings.rowBytes;
    }
    const std::uint64_t r = mix(seed ^ mix(n) ^ (i << 32));
    return 1 + (r >> 8) % (settings.rowBytes * (r % 50 == 0 ? 40 : 2));
}

constexpr std::int64_t rowKey(std::uint64_t seed, std::uint64_t n, std::uint64_t i) noexcept {
    return static_cast<std::int64_t>(mix(seed ^ mix(n ^ (i << 40))) >> 1);
}

/// Fills `row` with the bytes of row i of transaction n.
inline void fillRow(std::span<std::byte> row, const Settings& settings, std::uint64_t seed, std::uint64_t n, std::uint64_t i) noexcept {
    Random random(mix(seed ^ mix(n)) ^ (i << 20));
    const std::size_t noisy = row.size() * settings.randomPercent / 100;
    std::uint64_t word = 0;
    for (std::size_t k = 0; k < noisy; ++k) {
        if (k % 8 == 0) {
            word = random.next();
        }
        row[k] = static_cast<std::byte>(word >> (k % 8 * 8));
    }
    for (std::size_t k = noisy; k < row.size(); ++k) {
        row[k] = std::byte{' '};
    }
}

/// Precedes n (8 bytes, big endian) in the chain's row, so that the newest n in a page can be found without parsing a b-tree.
inline constexpr char kMark[] = "chain row: n = ";
inline constexpr std::size_t kMarkBytes = sizeof(kMark) - 1;

/// One record of the commit log, appended after COMMIT returned success.
struct CommitRecord {
    std::uint64_t n;
    std::uint64_t committedNs;    ///< CLOCK_MONOTONIC when COMMIT returned
    std::uint32_t transactionUs;  ///< from BEGIN to the end of COMMIT
    std::uint32_t database;       ///< which of several databases, from 0
};
static_assert(sizeof(CommitRecord) == 24);

}  // namespace litestream::tools
