#include "restore/CrcCombine.h"

#include <array>

namespace litestream::restore {
namespace {

// Polynomials over GF(2) modulo CRC-64/GO-ISO's, reflected: bit 63 is the coefficient of x^0.
constexpr std::uint64_t kPolynomial = 0xD800000000000000;
constexpr std::uint64_t kOne = 1ull << 63;

constexpr std::uint64_t multiply(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t product = 0;
    for (std::uint64_t bit = kOne; bit != 0; bit >>= 1) {
        if ((a & bit) != 0) product ^= b;
        b = (b & 1) != 0 ? (b >> 1) ^ kPolynomial : b >> 1;
    }
    return product;
}

/// x^(8 * 2^k): what appending 2^k zero bytes multiplies a remainder by.
constexpr auto kShifts = [] {
    std::array<std::uint64_t, 64> shifts{};
    shifts[0] = kOne >> 8;
    for (std::size_t k = 1; k < shifts.size(); ++k) shifts[k] = multiply(shifts[k - 1], shifts[k - 1]);
    return shifts;
}();

}  // namespace

std::uint64_t combineCrc(std::uint64_t first, std::uint64_t second, std::uint64_t secondBytes) noexcept {
    // CRCs are affine in their input; the all-ones start and end values cancel out between the two, so
    // moving the first one over the second one's length and adding is all there is to do.
    for (std::size_t k = 0; secondBytes != 0; ++k, secondBytes >>= 1) {
        if ((secondBytes & 1) != 0) first = multiply(kShifts[k], first);
    }
    return first ^ second;
}

}  // namespace litestream::restore
