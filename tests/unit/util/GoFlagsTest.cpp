#include "util/GoFlags.h"

#include <gtest/gtest.h>

namespace litestream::flags {
namespace {

/// One flag of each type, as a verb would declare them.
struct Example {
    bool json = false;
    std::string output = "none";
    std::int64_t count = 8;
    std::chrono::nanoseconds interval = std::chrono::seconds(1);
    std::string level;

    std::vector<std::string> parse(const std::vector<std::string>& arguments) {
        const std::vector<Flag> flags{{"json", &json, "", "print JSON"},
                                      {"o", &output, "PATH", "output"},
                                      {"count", &count, "N", "how many"},
                                      {"interval", &interval, "D", "how often"},
                                      {"level", [this](const std::string& text) { readLevel(text); }, "L", "level"}};
        return flags::parse(flags, arguments);
    }

    void readLevel(const std::string& text) {
        if (text == "bad") throw FlagError("level must be between 0 and 9");
        level = text;
    }
};

std::string errorOf(const std::vector<std::string>& arguments) {
    Example example;
    try {
        example.parse(arguments);
    } catch (const FlagError& error) {
        return error.what();
    }
    return "no error";
}

TEST(GoFlags, TakesValuesInAllFourSpellings) {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"-o=a.db"}, {"--o=a.db"}, {"-o", "a.db"}, {"--o", "a.db"}}) {
        Example example;
        EXPECT_TRUE(example.parse(arguments).empty());
        EXPECT_EQ(example.output, "a.db");
    }
}

TEST(GoFlags, ABooleanNeverTakesTheNextArgument) {
    Example example;
    EXPECT_EQ(example.parse({"-json", "false"}), std::vector<std::string>{"false"});
    EXPECT_TRUE(example.json);
}

TEST(GoFlags, ABooleanTakesGosLiterals) {
    for (const char* literal : {"1", "t", "T", "true", "TRUE", "True"}) {
        Example example;
        example.parse({std::string("-json=") + literal});
        EXPECT_TRUE(example.json) << literal;
    }
    for (const char* literal : {"0", "f", "F", "false", "FALSE", "False"}) {
        Example example;
        example.json = true;
        example.parse({std::string("-json=") + literal});
        EXPECT_FALSE(example.json) << literal;
    }
}

TEST(GoFlags, EndsAtTheFirstArgumentThatIsNoFlag) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(Example().parse({"-json", "db", "-o", "x"}), (Words{"db", "-o", "x"}));
    EXPECT_EQ(Example().parse({"-", "-json"}), (Words{"-", "-json"}));
    EXPECT_EQ(Example().parse({"--", "-json"}), (Words{"-json"}));
    EXPECT_EQ(Example().parse({"", "-json"}), (Words{"", "-json"}));
}

TEST(GoFlags, TheLastOccurrenceWins) {
    Example example;
    example.parse({"-o", "a", "-o", "b"});
    EXPECT_EQ(example.output, "b");
}

TEST(GoFlags, AValueMayLookLikeAFlagOrBeEmpty) {
    Example example;
    example.parse({"-o", "-json", "-level="});
    EXPECT_EQ(example.output, "-json");
    EXPECT_FALSE(example.json);
    EXPECT_EQ(example.level, "");
}

TEST(GoFlags, ReadsDurationsAndCustomValues) {
    Example example;
    example.parse({"-interval", "1m30s", "-level", "all"});
    EXPECT_EQ(example.interval, std::chrono::seconds(90));
    EXPECT_EQ(example.level, "all");
}

TEST(GoFlags, SaysWhatGoSays) {
    EXPECT_EQ(errorOf({"-nope"}), "flag provided but not defined: -nope");
    EXPECT_EQ(errorOf({"--nope=1"}), "flag provided but not defined: -nope");
    EXPECT_EQ(errorOf({"-o"}), "flag needs an argument: -o");
    EXPECT_EQ(errorOf({"-count", "many"}), "invalid value \"many\" for flag -count: parse error");
    EXPECT_EQ(errorOf({"-count=9223372036854775808"}),
              "invalid value \"9223372036854775808\" for flag -count: value out of range");
    EXPECT_EQ(errorOf({"-interval", "7d"}), "invalid value \"7d\" for flag -interval: parse error");
    EXPECT_EQ(errorOf({"-json=maybe"}), "invalid boolean value \"maybe\" for -json: parse error");
    EXPECT_EQ(errorOf({"-level", "bad"}), "invalid value \"bad\" for flag -level: level must be between 0 and 9");
    EXPECT_EQ(errorOf({"---o"}), "bad flag syntax: ---o");
    EXPECT_EQ(errorOf({"-=x"}), "bad flag syntax: -=x");
}

TEST(GoFlags, AsksForHelpUnlessAFlagHasThatName) {
    for (const char* help : {"-h", "-help", "--help"}) EXPECT_THROW(Example().parse({help}), HelpRequested) << help;
}

TEST(GoFlags, ReadsGosIntegerLiterals) {
    EXPECT_EQ(parseGoInteger("0"), 0);
    EXPECT_EQ(parseGoInteger("-12"), -12);
    EXPECT_EQ(parseGoInteger("+12"), 12);
    EXPECT_EQ(parseGoInteger("0x1F"), 31);
    EXPECT_EQ(parseGoInteger("0o17"), 15);
    EXPECT_EQ(parseGoInteger("017"), 15);
    EXPECT_EQ(parseGoInteger("0b101"), 5);
    EXPECT_EQ(parseGoInteger("1_000"), 1000);
    EXPECT_EQ(parseGoInteger("0x_1F"), 31);
    EXPECT_EQ(parseGoInteger("-9223372036854775808"), INT64_MIN);
    for (const char* wrong : {"", "-", "0x", "08", "1__0", "_1", "1_", "1.5", "0b2", " 1"}) {
        EXPECT_THROW(parseGoInteger(wrong), FlagError) << wrong;
    }
}

TEST(GoFlags, DescribesItself) {
    bool json = false;
    std::string output;
    const std::vector<Flag> flags{{"o", &output, "PATH", "the file to write"}, {"json", &json, "", "print JSON"}};
    EXPECT_EQ(describe(flags), "\t-o PATH\n\t    the file to write\n\t-json\n\t    print JSON\n");
}

}  // namespace
}  // namespace litestream::flags
