#include <litestream/Error.h>
#include <litestream/Options.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace litestream {

namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view accepted) {
    throw Error(ErrorCode::InvalidArgument, std::string(what) + " \"" + std::string(text) + "\": " + std::string(accepted));
}

constexpr bool isDigit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Reads one Go duration from front to back.
class DurationReader {
public:
    explicit DurationReader(std::string_view text) : whole_(text), rest_(text) {}

    std::chrono::nanoseconds read() {
        const bool negative = sign();
        if (rest_ == "0") return {};
        if (rest_.empty()) fail();
        std::uint64_t total = 0;
        while (!rest_.empty()) add(total, term());
        // The most negative value has no positive counterpart.
        if (!negative && total > kMostNegative - 1) tooLong();
        return std::chrono::nanoseconds(static_cast<std::int64_t>(negative ? 0 - total : total));
    }

private:
    static constexpr std::uint64_t kMostNegative = 1ull << 63;
    struct Unit {
        std::string_view name;
        std::uint64_t nanoseconds;
    };
    static constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                                 {"us", 1000},
                                                 {"\u00b5s", 1000},  // micro sign
                                                 {"\u03bcs", 1000},  // Greek mu
                                                 {"ms", 1000000},
                                                 {"s", 1000000000},
                                                 {"m", 60000000000},
                                                 {"h", 3600000000000}}};

    bool sign() {
        if (rest_.empty() || (rest_[0] != '-' && rest_[0] != '+')) return false;
        const bool negative = rest_[0] == '-';
        rest_.remove_prefix(1);
        return negative;
    }

    std::uint64_t term() {
        std::uint64_t integer = 0;
        const std::size_t integerDigits = digits([&](unsigned digit) {
            if (integer > kMostNegative / 10) tooLong();
            integer = integer * 10 + digit;
        });
        double fraction = 0;
        double scale = 1;
        std::size_t fractionDigits = 0;
        if (!rest_.empty() && rest_[0] == '.') {
            rest_.remove_prefix(1);
            fractionDigits = digits([&](unsigned digit) {
                if (scale > 1e15) return;  // below a nanosecond in every unit
                fraction = fraction * 10 + digit;
                scale *= 10;
            });
        }
        if (integerDigits + fractionDigits == 0) fail();
        const std::uint64_t unit = unitLength();
        if (integer > kMostNegative / unit) tooLong();
        std::uint64_t value = integer * unit;
        add(value, static_cast<std::uint64_t>(fraction * (static_cast<double>(unit) / scale)));
        return value;
    }

    template <class Use>
    std::size_t digits(Use use) {
        std::size_t count = 0;
        for (; count < rest_.size() && isDigit(rest_[count]); ++count) use(static_cast<unsigned>(rest_[count] - '0'));
        rest_.remove_prefix(count);
        return count;
    }

    std::uint64_t unitLength() {
        std::size_t length = 0;
        while (length < rest_.size() && rest_[length] != '.' && !isDigit(rest_[length])) ++length;
        const auto name = rest_.substr(0, length);
        const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
        if (unit == kUnits.end()) fail();
        rest_.remove_prefix(length);
        return unit->nanoseconds;
    }

    void add(std::uint64_t& total, std::uint64_t value) const {
        total += value;  // both are at most 2^63: no wrap
        if (total > kMostNegative) tooLong();
    }

    [[noreturn]] void fail() const {
        refuse("invalid duration", whole_, "expected numbers with units ns, us, ms, s, m or h, like 1h30m or 1.5s");
    }
    [[noreturn]] void tooLong() const { refuse("invalid duration", whole_, "longer than 292 years"); }

    std::string_view whole_;
    std::string_view rest_;
};

std::string_view trim(std::string_view text) noexcept {
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The factor of a size unit, 0 when there is no such unit.
double sizeUnit(std::string_view name) {
    std::string unit(name);
    for (char& c : unit) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (unit.empty() || unit == "b") return 1;
    constexpr std::string_view kPrefixes = "kmgtpe";
    const auto power = kPrefixes.find(unit[0]);
    if (power == std::string_view::npos) return 0;
    const std::string_view tail = std::string_view(unit).substr(1);
    if (tail.empty() || tail == "b") return std::pow(1000.0, static_cast<double>(power + 1));
    if (tail == "i" || tail == "ib") return std::pow(1024.0, static_cast<double>(power + 1));
    return 0;
}

template <class Value>
Value find(const std::map<std::string, Value, std::less<>>& values, std::string_view name) {
    const auto found = values.find(name);
    if (found == values.end()) {
        throw Error(ErrorCode::InvalidArgument, "option \"" + std::string(name) + "\" is missing");
    }
    return found->second;
}

template <class Parse>
auto parseOption(const OptionValues& values, std::string_view name, Parse parse) {
    const std::string value = values.text(name);
    try {
        return parse(value);
    } catch (const Error& error) {
        throw error.within("option \"" + std::string(name) + "\"");
    }
}

}  // namespace

bool parseBoolean(std::string_view text) {
    static constexpr std::array<std::string_view, 11> kTrue{"true", "True", "TRUE", "yes", "Yes", "YES",
                                                            "on",   "On",   "ON",   "y",   "Y"};
    static constexpr std::array<std::string_view, 11> kFalse{"false", "False", "FALSE", "no", "No", "NO",
                                                             "off",   "Off",   "OFF",   "n",  "N"};
    if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
    if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
    refuse("invalid boolean", text, "expected true or false");
}

std::int64_t parseInteger(std::string_view text) {
    std::string_view digits = text;
    if (digits.size() > 1 && digits[0] == '+' && isDigit(digits[1])) digits.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (status == std::errc::result_out_of_range) refuse("invalid integer", text, "does not fit into 64 bits");
    if (status != std::errc{} || end != digits.data() + digits.size()) {
        refuse("invalid integer", text, "expected a decimal number");
    }
    return value;
}

std::chrono::nanoseconds parseDuration(std::string_view text) { return DurationReader(text).read(); }

std::uint64_t parseSize(std::string_view text) {
    constexpr std::string_view kAccepted = "expected bytes with an optional unit, like 1048576, 8MiB or 5MB";
    const std::string_view trimmed = trim(text);
    if (trimmed.empty()) throw Error(ErrorCode::InvalidArgument, "empty size string");
    std::string number;
    std::size_t length = 0;
    for (; length < trimmed.size(); ++length) {
        const char c = trimmed[length];
        if (!isDigit(c) && c != '.' && c != ',') break;
        if (c != ',') number += c;
    }
    double value = 0;
    // Digits and points only: no sign, exponent, infinity; and from_chars knows no locale.
    const auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (status == std::errc::invalid_argument || end != number.data() + number.size()) {
        refuse("invalid size format:", text, kAccepted);
    }
    const double unit = sizeUnit(trim(trimmed.substr(length)));
    if (unit == 0) refuse("invalid size format:", text, kAccepted);
    constexpr double kLimit = 9223372036854775808.0;  // 2^63
    if (status == std::errc::result_out_of_range || value * unit >= kLimit) {
        refuse("invalid size format:", text, "more than 9223372036854775807 bytes");
    }
    return static_cast<std::uint64_t>(value * unit);
}

void OptionValues::set(std::string name, std::string value) {
    secrets_.erase(name);
    texts_.insert_or_assign(std::move(name), std::move(value));
}

void OptionValues::set(std::string name, Secret value) {
    texts_.erase(name);
    secrets_.insert_or_assign(std::move(name), std::move(value));
}

bool OptionValues::has(std::string_view name) const { return texts_.contains(name) || secrets_.contains(name); }

std::string OptionValues::text(std::string_view name) const { return find(texts_, name); }

Secret OptionValues::secret(std::string_view name) const { return find(secrets_, name); }

bool OptionValues::boolean(std::string_view name) const { return parseOption(*this, name, parseBoolean); }

std::int64_t OptionValues::integer(std::string_view name) const { return parseOption(*this, name, parseInteger); }

std::chrono::nanoseconds OptionValues::duration(std::string_view name) const {
    return parseOption(*this, name, parseDuration);
}

std::uint64_t OptionValues::bytes(std::string_view name) const { return parseOption(*this, name, parseSize); }

std::string OptionValues::textOr(std::string_view name, std::string_view fallback) const {
    const auto found = texts_.find(name);
    return found == texts_.end() ? std::string(fallback) : found->second;
}

}  // namespace litestream
