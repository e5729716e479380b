#include "util/Escape.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace litestream {
namespace {

constexpr char32_t kInvalid = 0xFFFFFFFF;

struct Rune {
    char32_t value;    ///< kInvalid when the byte starts no character
    std::size_t size;  ///< bytes, 1 when invalid
};

bool isContinuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

/// The character at the front of `text`, which is not empty.
Rune decode(std::string_view text) {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1};
    std::size_t size = 0;
    char32_t value = 0;
    char32_t least = 0;
    if (first >= 0xC2 && first <= 0xDF) {
        size = 2, value = first & 0x1Fu, least = 0x80;
    } else if ((first & 0xF0) == 0xE0) {
        size = 3, value = first & 0x0Fu, least = 0x800;
    } else if (first >= 0xF0 && first <= 0xF4) {
        size = 4, value = first & 0x07u, least = 0x10000;
    } else {
        return {kInvalid, 1};
    }
    if (text.size() < size) return {kInvalid, 1};
    for (std::size_t i = 1; i < size; ++i) {
        if (!isContinuation(byte(i))) return {kInvalid, 1};
        value = (value << 6) | (byte(i) & 0x3Fu);
    }
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < least || value > 0x10FFFF || surrogate) return {kInvalid, 1};
    return {value, size};
}

struct Range {
    char32_t first;
    char32_t last;
};

/// Characters beyond ASCII that Go does not print as they are: controls, blanks, format characters, private use.
constexpr std::array<Range, 14> kUnprintable{{{0x80, 0xA0},
                                              {0xAD, 0xAD},
                                              {0x600, 0x605},
                                              {0x61C, 0x61C},
                                              {0x6DD, 0x6DD},
                                              {0x1680, 0x1680},
                                              {0x180E, 0x180E},
                                              {0x2000, 0x200F},
                                              {0x2028, 0x202F},
                                              {0x205F, 0x206F},
                                              {0x3000, 0x3000},
                                              {0xE000, 0xF8FF},
                                              {0xFEFF, 0xFEFF},
                                              {0xFFF0, 0xFFFB}}};

bool isPrintable(char32_t value) {
    if (value < 0x80) return value >= 0x20 && value != 0x7F;
    if (value == kInvalid || (value & 0xFFFE) == 0xFFFE || value >= 0xE0000) return false;
    return std::none_of(kUnprintable.begin(), kUnprintable.end(),
                        [&](const Range& range) { return value >= range.first && value <= range.last; });
}

void appendHex(std::string& out, std::uint32_t value, int digits) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kDigits[(value >> shift) & 0xF];
}

/// The letter of a one-character escape that Go has for a control character, or 0.
char shortEscape(char32_t value) {
    switch (value) {
        case '\a':
            return 'a';
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        case '\v':
            return 'v';
        default:
            return 0;
    }
}

void appendGoEscape(std::string& out, char32_t value) {
    if (const char letter = shortEscape(value)) {
        out += '\\';
        out += letter;
    } else if (value < 0x20 || value == 0x7F) {
        out += "\\x";
        appendHex(out, value, 2);
    } else if (value < 0x10000) {
        out += "\\u";
        appendHex(out, value, 4);
    } else {
        out += "\\U";
        appendHex(out, value, 8);
    }
}

void appendJsonEscape(std::string& out, char32_t value) {
    const char letter = shortEscape(value);
    out += '\\';
    if (letter != 0 && value != '\a' && value != '\v') {
        out += letter;
    } else {
        out += 'u';
        appendHex(out, value, 4);
    }
}

}  // namespace

void appendGoQuoted(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const Rune rune = decode(text);
        if (rune.value == kInvalid) {
            out += "\\x";
            appendHex(out, static_cast<unsigned char>(text[0]), 2);
        } else if (rune.value == '"' || rune.value == '\\') {
            out += '\\';
            out += text[0];
        } else if (isPrintable(rune.value)) {
            out += text.substr(0, rune.size);
        } else {
            appendGoEscape(out, rune.value);
        }
        text.remove_prefix(rune.size);
    }
    out += '"';
}

std::string goQuoted(std::string_view text) {
    std::string out;
    appendGoQuoted(out, text);
    return out;
}

bool needsQuoting(std::string_view text) {
    if (text.empty()) return true;
    while (!text.empty()) {
        const Rune rune = decode(text);
        // A backslash alone is left as it is, and so is DEL: Go's table of safe characters is JSON's.
        const bool plain = rune.value == 0x7F || isPrintable(rune.value);
        if (!plain || rune.value == ' ' || rune.value == '=' || rune.value == '"' || rune.value == 0xFFFD) return true;
        text.remove_prefix(rune.size);
    }
    return false;
}

void appendJsonString(std::string& out, std::string_view text, JsonEscape escape) {
    out += '"';
    while (!text.empty()) {
        const Rune rune = decode(text);
        const bool html = escape == JsonEscape::Html && (rune.value == '<' || rune.value == '>' || rune.value == '&');
        if (rune.value == kInvalid) {
            out += "\\ufffd";
        } else if (rune.value == '"' || rune.value == '\\') {
            out += '\\';
            out += text[0];
        } else if (rune.value < 0x20 || html || rune.value == 0x2028 || rune.value == 0x2029) {
            appendJsonEscape(out, rune.value);
        } else {
            out += text.substr(0, rune.size);
        }
        text.remove_prefix(rune.size);
    }
    out += '"';
}

}  // namespace litestream
