#include "util/ShellWords.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

namespace litestream {
namespace {

using Words = std::vector<std::string>;

TEST(ShellWords, SplitsAtBlanksAndGroupsByQuotes) {
    EXPECT_EQ(splitShellWords("  app  -p 80 "), (Words{"app", "-p", "80"}));
    EXPECT_EQ(splitShellWords(R"(app 'a b' "c d" e\ f)"), (Words{"app", "a b", "c d", "e f"}));
    EXPECT_EQ(splitShellWords(R"(app '' a"b c"d)"), (Words{"app", "", "ab cd"}));
    EXPECT_EQ(splitShellWords(R"(app "a \" b" 'c \ d')"), (Words{"app", "a \" b", "c \\ d"}));
    EXPECT_EQ(splitShellWords(""), Words{});
}

TEST(ShellWords, ExpandsNothing) {
    EXPECT_EQ(splitShellWords("echo $HOME ~ *"), (Words{"echo", "$HOME", "~", "*"}));
    EXPECT_EQ(splitShellWords("echo `a b` $(c d)"), (Words{"echo", "`a b`", "$(c d)"}));
}

TEST(ShellWords, AnOperatorEndsTheCommand) {
    for (const char* text : {"app a; b", "app a & b", "app a | b", "app a < b", "app a > b"}) {
        EXPECT_EQ(splitShellWords(text), (Words{"app", "a"})) << text;
    }
    EXPECT_EQ(splitShellWords("app 'a;b' c\\;d"), (Words{"app", "a;b", "c;d"}));
}

TEST(ShellWords, RefusesWhatIsUnbalanced) {
    for (const char* text : {"app 'a", "app \"a", "app `a", "app $(a", "app (a)", "app \\"}) {
        EXPECT_THROW(splitShellWords(text), Error) << text;
    }
}

}  // namespace
}  // namespace litestream
