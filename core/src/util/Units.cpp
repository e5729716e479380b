#include "util/Units.h"

#include <spdlog/fmt/fmt.h>
#include <array>
#include <cmath>

namespace litestream {
namespace {

/// `value / 10^digits` without trailing zeros: (1500, 3) is "1.5".
std::string decimal(std::uint64_t value, int digits) {
    std::uint64_t scale = 1;
    for (int i = 0; i < digits; ++i) scale *= 10;
    std::string out = fmt::format("{}", value / scale);
    if (value % scale != 0) {
        std::string fraction = fmt::format("{:0{}}", value % scale, digits);
        fraction.erase(fraction.find_last_not_of('0') + 1);
        out += "." + fraction;
    }
    return out;
}

}  // namespace

std::string formatDuration(std::chrono::nanoseconds duration) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    constexpr std::uint64_t kMinute = 60 * kSecond;
    constexpr std::uint64_t kHour = 60 * kMinute;
    const std::int64_t count = duration.count();
    const std::string sign = count < 0 ? "-" : "";
    const std::uint64_t rest = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);

    if (rest == 0) return "0s";
    if (rest < 1'000) return fmt::format("{}{}ns", sign, rest);
    if (rest < 1'000'000) return sign + decimal(rest, 3) + "µs";
    if (rest < kSecond) return sign + decimal(rest, 6) + "ms";
    const std::string seconds = decimal(rest % kMinute, 9) + "s";
    if (rest < kMinute) return sign + seconds;
    if (rest < kHour) return fmt::format("{}{}m{}", sign, rest / kMinute, seconds);
    return fmt::format("{}{}h{}m{}", sign, rest / kHour, rest % kHour / kMinute, seconds);
}

std::string formatSize(std::uint64_t bytes) {
    static constexpr std::array<const char*, 7> kUnits{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 10) return fmt::format("{} B", bytes);
    std::size_t unit = 0;
    auto scaled = static_cast<double>(bytes);
    while (scaled >= 1000 && unit + 1 < kUnits.size()) {
        scaled /= 1000;
        ++unit;
    }
    scaled = std::floor(scaled * 10 + 0.5) / 10;
    return scaled < 10 ? fmt::format("{:.1f} {}", scaled, kUnits[unit])
                       : fmt::format("{:.0f} {}", scaled, kUnits[unit]);
}

}  // namespace litestream
