#include "ltx/Format.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace litestream::ltx {

namespace {
constexpr std::size_t kTxidDigits = 16;
constexpr std::string_view kSuffix = ".ltx";
}  // namespace

std::string format(Txid txid) {
    return fmt::format("{:016x}", txid.value);
}

std::optional<Txid> parseTxid(std::string_view text) {
    const auto isDigit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (text.size() != kTxidDigits || !std::all_of(text.begin(), text.end(), isDigit)) return std::nullopt;
    Txid txid;
    std::from_chars(text.data(), text.data() + text.size(), txid.value, 16);
    return txid;
}

std::string fileName(const TxidRange& range) {
    return fmt::format("{:016x}-{:016x}{}", range.min.value, range.max.value, kSuffix);
}

std::optional<TxidRange> parseFileName(std::string_view name) {
    if (name.size() != 2 * kTxidDigits + 1 + kSuffix.size() || name[kTxidDigits] != '-' || !name.ends_with(kSuffix)) {
        return std::nullopt;
    }
    const auto min = parseTxid(name.substr(0, kTxidDigits));
    const auto max = parseTxid(name.substr(kTxidDigits + 1, kTxidDigits));
    // No header may say such a range, so no file of a replica has such a name.
    if (!min || !max || !*min || *min > *max) return std::nullopt;
    return TxidRange{*min, *max};
}

}  // namespace litestream::ltx
