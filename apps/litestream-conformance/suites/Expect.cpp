#include "Expect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace litestream::conformance {

namespace {

constexpr std::size_t kMostShown = 60;

std::string hex(char byte) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "0x%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    return text.data();
}

std::string printable(std::string_view text) {
    std::string shown;
    for (const char c : text)
        shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? std::string("?") : std::string(1, c);
    return shown;
}

}  // namespace

void violated(const std::string& done, const std::string& seen, const std::string& expected) {
    // ReportListener.cpp takes these three lines apart again.
    ADD_FAILURE() << "done: " << done << "\nseen: " << seen << "\nexpected: " << expected;
}

std::string inWords(std::string_view text) {
    if (text.size() <= kMostShown) return "\"" + printable(text) + "\"";
    return std::to_string(text.size()) + " bytes that begin with \"" + printable(text.substr(0, 20)) + "\"";
}
std::string inWords(const std::string& text) {
    return inWords(std::string_view(text));
}
std::string inWords(const char* text) {
    return inWords(std::string_view(text));
}

std::string inWords(bool value) {
    return value ? "yes" : "no";
}

std::string inWords(ErrorCode code) {
    return std::string(describe(code));
}

std::string inWords(const Error& error) {
    return "Error(" + inWords(error.code()) + "): " + error.what();
}

std::string inWords(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ", ") + printable(item);
    return text.empty() ? "nothing" : text;
}

bool expectBytes(const std::string& done, std::string_view seen, std::string_view expected) {
    if (seen == expected) return true;
    if (std::max(seen.size(), expected.size()) <= kMostShown) {
        violated(done, inWords(seen), inWords(expected));
        return false;
    }
    const std::size_t most = std::min(seen.size(), expected.size());
    const auto same = static_cast<std::size_t>(
        std::mismatch(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(most), expected.begin()).first -
        seen.begin());
    std::string found = std::to_string(seen.size()) + " bytes";
    std::string wanted = std::to_string(expected.size()) + " bytes";
    if (same < most) {
        found += ", " + hex(seen[same]) + " at offset " + std::to_string(same);
        wanted += ", " + hex(expected[same]) + " at offset " + std::to_string(same);
    }
    violated(done, found, wanted);
    return false;
}

}  // namespace litestream::conformance
