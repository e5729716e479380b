#include "PluginDirectory.h"

#include <limits>

namespace litestream::plugin {

namespace {

std::int64_t nanoseconds(std::string_view text) { return parseDuration(text).count(); }

}  // namespace

TEST(Duration, ReadsWhatGoReads) {
    EXPECT_EQ(nanoseconds("0"), 0);
    EXPECT_EQ(nanoseconds("-0"), 0);
    EXPECT_EQ(nanoseconds("5s"), 5000000000);
    EXPECT_EQ(nanoseconds("1h30m"), 5400000000000);
    EXPECT_EQ(nanoseconds("1.5s"), 1500000000);
    EXPECT_EQ(nanoseconds("-1.5h"), -5400000000000);
    EXPECT_EQ(nanoseconds("+200ms"), 200000000);
    EXPECT_EQ(nanoseconds(".5s"), 500000000);
    EXPECT_EQ(nanoseconds("5.s"), 5000000000);
    EXPECT_EQ(nanoseconds("10ns"), 10);
    EXPECT_EQ(nanoseconds("1us"), 1000);
    EXPECT_EQ(nanoseconds("1\u00b5s"), 1000);
    EXPECT_EQ(nanoseconds("1\u03bcs"), 1000);
    EXPECT_EQ(nanoseconds("0.9ns"), 0);
    EXPECT_EQ(nanoseconds("0.100000000000000000000h"), 360000000000);
    EXPECT_EQ(nanoseconds("9223372036854775807ns"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(nanoseconds("-9223372036854775808ns"), std::numeric_limits<std::int64_t>::min());
}

TEST(Duration, RefusesWhatGoRefuses) {
    for (const char* text : {"", "-", "10", "7d", "1w", "s", ".s", "1.2.3s", "1 s", "s1", "1S", "9223372036854775808ns", "3000000h"}) {
        const Error error = errorOf([&] { parseDuration(text); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument) << text;
        EXPECT_TRUE(contains(error.what(), text)) << error.what();
    }
}

TEST(Size, ReadsDecimalAndBinaryUnits) {
    EXPECT_EQ(parseSize("0"), 0u);
    EXPECT_EQ(parseSize("1048576"), 1048576u);
    EXPECT_EQ(parseSize("5MB"), 5000000u);
    EXPECT_EQ(parseSize("5m"), 5000000u);
    EXPECT_EQ(parseSize("8MiB"), 8388608u);
    EXPECT_EQ(parseSize("8 mib"), 8388608u);
    EXPECT_EQ(parseSize("1,000kb"), 1000000u);
    EXPECT_EQ(parseSize("1.5Ki"), 1536u);
    EXPECT_EQ(parseSize("1.0005kB"), 1000u);
    EXPECT_EQ(parseSize("7b"), 7u);
    EXPECT_EQ(parseSize("7EiB"), 7ull << 60);
}

TEST(Size, RefusesWhatIsNone) {
    EXPECT_STREQ(errorOf([] { parseSize("  "); }).what(), "empty size string");
    for (const char* text : {"foo", "-1", "1XB", "1.2.3", "1e5", "8EiB", "99999999999999999999", "1ib", "MB"}) {
        const Error error = errorOf([&] { parseSize(text); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument) << text;
        EXPECT_TRUE(contains(error.what(), "invalid size format: ")) << error.what();
    }
}

TEST(Boolean, ReadsYamlsSpellings) {
    for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y", "Y"}) EXPECT_TRUE(parseBoolean(text)) << text;
    for (const char* text : {"false", "False", "no", "NO", "off", "Off", "n", "N"}) EXPECT_FALSE(parseBoolean(text)) << text;
    for (const char* text : {"", "tRUE", "1", "0", " true", "oN"}) {
        EXPECT_EQ(errorOf([&] { parseBoolean(text); }).code(), ErrorCode::InvalidArgument) << text;
    }
}

TEST(Integer, ReadsSixtyFourBits) {
    EXPECT_EQ(parseInteger("0"), 0);
    EXPECT_EQ(parseInteger("+7"), 7);
    EXPECT_EQ(parseInteger("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
    for (const char* text : {"", "+", "+-1", "1.0", "0x10", " 1", "1 ", "9223372036854775808"}) {
        EXPECT_EQ(errorOf([&] { parseInteger(text); }).code(), ErrorCode::InvalidArgument) << text;
    }
}

TEST(OptionValues, GettersNameTheOption) {
    const OptionValues options = values({{"size", "8MiB"}, {"bad", "x"}});
    EXPECT_EQ(options.bytes("size"), 8388608u);
    EXPECT_EQ(options.textOr("absent", "fallback"), "fallback");
    EXPECT_FALSE(options.has("absent"));
    EXPECT_TRUE(contains(errorOf([&] { options.text("absent"); }).what(), "\"absent\" is missing"));
    EXPECT_TRUE(contains(errorOf([&] { options.integer("bad"); }).what(), "option \"bad\""));
    EXPECT_TRUE(contains(errorOf([&] { options.duration("bad"); }).what(), "option \"bad\""));
    EXPECT_TRUE(contains(errorOf([&] { options.boolean("bad"); }).what(), "option \"bad\""));
}

}  // namespace litestream::plugin
