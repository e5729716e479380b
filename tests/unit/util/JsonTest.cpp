#include "util/Json.h"

#include <gtest/gtest.h>

namespace litestream {
namespace {

TEST(Json, KeepsTheOrderOfKeysAndIndentsByTwo) {
    Json list = Json::array();
    list.add(Json::object({{"path", "/b.db"}, {"level", 0}, {"big", UINT64_MAX}, {"ok", true}, {"empty", ""}}));
    list.add(Json::object({{"nested", Json::array()}, {"more", Json::object()}}));
    EXPECT_EQ(list.text(), R"([
  {
    "path": "/b.db",
    "level": 0,
    "big": 18446744073709551615,
    "ok": true,
    "empty": ""
  },
  {
    "nested": [],
    "more": {}
  }
]
)");
}

TEST(Json, AnEmptyListIsNeverNull) {
    EXPECT_EQ(Json::array().text(), "[]\n");
}

TEST(Json, EscapesForHtml) {
    EXPECT_EQ(Json::object({{"url", "s3://b?a=1&c"}}).text(), "{\n  \"url\": \"s3://b?a=1\\u0026c\"\n}\n");
}

}  // namespace
}  // namespace litestream
