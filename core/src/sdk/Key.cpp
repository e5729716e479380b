#include <litestream/Error.h>
#include <litestream/Key.h>

#include <cstddef>
#include <string>

namespace litestream {

namespace {

[[noreturn]] void refuse(std::string_view key, const char* why) {
    throw Error(ErrorCode::InvalidArgument, "key \"" + std::string(key) + "\": " + why);
}

/// Length of the UTF-8 sequence that begins with `lead`; 0 when none does.
std::size_t sequenceLength(unsigned char lead) noexcept {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

/// The second byte has a narrower range behind four of the lead bytes: no overlong forms, no surrogates, nothing
/// beyond U+10FFFF. Source: The Unicode Standard, table 3-7.
bool fitsLead(unsigned char lead, unsigned char second) noexcept {
    if (lead == 0xe0) return second >= 0xa0;
    if (lead == 0xed) return second < 0xa0;
    if (lead == 0xf0) return second >= 0x90;
    if (lead == 0xf4) return second < 0x90;
    return true;
}

bool isUtf8(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = sequenceLength(lead);
        if (length == 0 || length > text.size() - i) return false;
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80 || (k == 1 && !fitsLead(lead, next))) return false;
        }
        i += length;
    }
    return true;
}

}  // namespace

void checkKey(std::string_view key) {
    if (key.empty()) refuse(key, "is empty");
    if (key.find('\0') != std::string_view::npos) refuse(key, "contains a zero byte");
    if (!isUtf8(key)) refuse(key, "is not UTF-8");
    for (std::size_t begin = 0; begin <= key.size();) {
        std::size_t end = key.find('/', begin);
        if (end == std::string_view::npos) end = key.size();
        const std::string_view segment = key.substr(begin, end - begin);
        if (segment.empty()) refuse(key, "has an empty segment");
        if (segment == "." || segment == "..") refuse(key, "has a segment . or ..");
        begin = end + 1;
    }
}

}  // namespace litestream
