#include "util/Escape.h"

#include <gtest/gtest.h>

namespace litestream {
namespace {

std::string json(std::string_view text, JsonEscape escape) {
    std::string out;
    appendJsonString(out, text, escape);
    return out;
}

TEST(Escape, QuotesAsGoDoes) {
    EXPECT_EQ(goQuoted("plain"), R"("plain")");
    EXPECT_EQ(goQuoted("a \"b\" \\c"), R"("a \"b\" \\c")");
    EXPECT_EQ(goQuoted("\a\b\f\n\r\t\v"), R"("\a\b\f\n\r\t\v")");
    EXPECT_EQ(goQuoted(std::string_view("\0\x01\x7f", 3)), R"("\x00\x01\x7f")");
    EXPECT_EQ(goQuoted("gr\u00fc\u00df \u65e5\u672c"), "\"gr\u00fc\u00df \u65e5\u672c\"");
    EXPECT_EQ(goQuoted("a\u00a0b\u2028"), R"("a\u00a0b\u2028")");
    EXPECT_EQ(goQuoted("\xff\xc3"), R"("\xff\xc3")");
    EXPECT_EQ(goQuoted("\U0001F600"), "\"\U0001F600\"");
}

TEST(Escape, OnlyTextThatNeedsItIsQuoted) {
    for (const char* plain : {"a", "/var/db", "1s", "a\\b", "a<b>&c", "gr\u00fc\u00df", "a,b;c"})
        EXPECT_FALSE(needsQuoting(plain)) << plain;
    for (const char* other : {"", " ", "a b", "a=b", "a\"b", "a\nb", "\u00a0", "\xff"})
        EXPECT_TRUE(needsQuoting(other)) << other;
}

TEST(Escape, WritesJsonStrings) {
    EXPECT_EQ(json("a\"b\\c\n\x01", JsonEscape::Plain), R"("a\"b\\c\n\u0001")");
    EXPECT_EQ(json("a<b>&c", JsonEscape::Plain), R"("a<b>&c")");
    EXPECT_EQ(json("a<b>&c", JsonEscape::Html), R"("a\u003cb\u003e\u0026c")");
    EXPECT_EQ(json("\u2028\u2029", JsonEscape::Plain), R"("\u2028\u2029")");
    EXPECT_EQ(json("\xff", JsonEscape::Html), R"("\ufffd")");
}

}  // namespace
}  // namespace litestream
