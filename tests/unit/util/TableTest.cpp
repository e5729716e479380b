#include "util/Table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace litestream {
namespace {

std::string print(const Table& table) {
    std::ostringstream out;
    table.print(out);
    return out.str();
}

TEST(Table, PadsToTheWidestCellAndTwoBlanksButNeverTheLastOne) {
    Table table({"path", "status", "size"});
    table.add({"/var/lib/app.db", "ok", "4.2 kB"});
    table.add({"/b", "not initialized", "0 B"});
    EXPECT_EQ(print(table),
              "path             status           size\n"
              "/var/lib/app.db  ok               4.2 kB\n"
              "/b               not initialized  0 B\n");
}

TEST(Table, PrintsTheHeaderWithoutRows) {
    EXPECT_EQ(print(Table({"path", "replica"})), "path  replica\n");
}

TEST(Table, CountsCharactersNotBytes) {
    Table table({"n", "x"});
    table.add({"gr\u00fc\u00df", "1"});
    table.add({"plain", "2"});
    EXPECT_EQ(print(table), "n      x\ngr\u00fc\u00df   1\nplain  2\n");
}

}  // namespace
}  // namespace litestream
