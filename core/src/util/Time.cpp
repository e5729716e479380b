#include "util/Time.h"

#include <spdlog/fmt/fmt.h>
#include <chrono>

namespace litestream {
namespace {

/// Takes what it recognises from the front of a text; after the first failure everything fails.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool ok() const { return ok_; }
    bool done() const { return ok_ && rest_.empty(); }

    /// Exactly `digits` decimal digits.
    int number(int digits) {
        int value = 0;
        for (int i = 0; i < digits; ++i) value = value * 10 + digit();
        return value;
    }
    bool accept(char a, char b) {
        if (!ok_ || rest_.empty() || (rest_[0] != a && rest_[0] != b)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char a, char b) { ok_ = accept(a, b) && ok_; }
    bool atDigit() const { return ok_ && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
    int digit() {
        if (!atDigit()) {
            ok_ = false;
            return 0;
        }
        const int value = rest_[0] - '0';
        rest_.remove_prefix(1);
        return value;
    }
    void fail() { ok_ = false; }

private:
    std::string_view rest_;
    bool ok_ = true;
};

int fractionMs(Scanner& scanner) {
    if (!scanner.accept('.', ',')) return 0;
    if (!scanner.atDigit()) scanner.fail();
    int value = 0;
    int weight = 100;
    for (; scanner.atDigit(); weight /= 10) value += scanner.digit() * weight;
    return value;
}

std::chrono::minutes zoneOffset(Scanner& scanner) {
    if (scanner.accept('Z', 'Z')) return {};
    const bool west = scanner.accept('-', '-');
    if (!west) scanner.expect('+', '+');
    const int hours = scanner.number(2);
    scanner.expect(':', ':');
    const int minutes = scanner.number(2);
    if (hours > 24 || minutes > 59) scanner.fail();
    const std::chrono::minutes offset{hours * 60 + minutes};
    return west ? -offset : offset;
}

}  // namespace

std::string formatRfc3339(Timestamp time) {
    using namespace std::chrono;
    const auto instant =
        floor<seconds>(sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{time.milliseconds}});
    const auto day = floor<days>(instant);
    const year_month_day date{day};
    const hh_mm_ss clock{instant - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

std::optional<Timestamp> parseRfc3339(std::string_view text) {
    using namespace std::chrono;
    Scanner scanner(text);
    const year years{scanner.number(4)};
    scanner.expect('-', '-');
    const month months{static_cast<unsigned>(scanner.number(2))};
    scanner.expect('-', '-');
    const day days{static_cast<unsigned>(scanner.number(2))};
    scanner.expect('T', 'T');
    const int hour = scanner.number(2);
    scanner.expect(':', ':');
    const int minute = scanner.number(2);
    scanner.expect(':', ':');
    const int second = scanner.number(2);
    const int fraction = fractionMs(scanner);
    const std::chrono::minutes offset = zoneOffset(scanner);

    const year_month_day date{years, months, days};
    if (!scanner.done() || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const auto instant = sys_days{date} + hours{hour} + std::chrono::minutes{minute} + seconds{second} - offset;
    return Timestamp{duration_cast<std::chrono::milliseconds>(instant.time_since_epoch()).count() + fraction};
}

}  // namespace litestream
