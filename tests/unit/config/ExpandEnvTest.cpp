#include "config/ExpandEnv.h"

#include "YamlText.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <cstdlib>

namespace litestream::config {
namespace {

class ExpandEnv : public ::testing::Test {
protected:
    void SetUp() override {
        ::setenv("EXPAND_A", "one", 1);
        ::setenv("EXPAND_B2", "$EXPAND_A", 1);
        ::unsetenv("EXPAND_NOT");
    }
};

TEST_F(ExpandEnv, ReplacesBothForms) {
    EXPECT_EQ(expandEnv("a $EXPAND_A-b ${EXPAND_A}b"), "a one-b oneb");
    EXPECT_EQ(expandEnv("$EXPAND_B2"), "$EXPAND_A") << "once, not again";
    EXPECT_EQ(expandEnv("[$EXPAND_NOT${EXPAND_NOT}]"), "[]");
    EXPECT_EQ(expandEnv("# $EXPAND_A\n'$EXPAND_A'"), "# one\n'one'") << "in comments and quotes, too";
}

TEST_F(ExpandEnv, KnowsTheProcess) {
    const std::string pid = std::to_string(::getpid());
    EXPECT_EQ(expandEnv("$PID/${PID}"), pid + "/" + pid);
}

TEST_F(ExpandEnv, RemovesBrokenReferencesAndSpecialVariables) {
    EXPECT_EQ(expandEnv("a${}b"), "ab");
    EXPECT_EQ(expandEnv("a${EXPAND_A"), "aEXPAND_A");
    EXPECT_EQ(expandEnv("a$$b$1c$*$#$@$!$?$-d"), "abcd");
    EXPECT_EQ(expandEnv("$12"), "2") << "a digit is a whole name";
}

TEST_F(ExpandEnv, KeepsADollarThatIsNoReference) {
    EXPECT_EQ(expandEnv("5$ or $% or $"), "5$ or $% or $");
    EXPECT_EQ(expandEnv(""), "");
}

TEST_F(ExpandEnv, ComesAheadOfYaml) {
    ::setenv("EXPAND_Y", "x\"\nregion: \"us", 1);
    const std::string text = "endpoint: \"$EXPAND_Y\"\n";
    EXPECT_EQ(testing::defaultOf(testing::read(text), "region"), "us");
    EXPECT_EQ(testing::defaultOf(testing::read(text, {.expandEnv = false}), "endpoint"), "$EXPAND_Y");
}

}  // namespace
}  // namespace litestream::config
