#include "http/HttpTime.h"

#include <gtest/gtest.h>

namespace litestream::http {

TEST(RetryAfter, IsReadAsSecondsOrDate) {
    Response response;
    EXPECT_FALSE(retryAfterOf(response));
    response.headers = {{"Retry-After", "7"}};
    EXPECT_EQ(retryAfterOf(response), std::chrono::seconds(7));
    response.headers = {{"Retry-After", "Tue, 24 Nov 2026 13:27:39 GMT"}, {"Date", "Tue, 24 Nov 2026 13:27:09 GMT"}};
    EXPECT_EQ(retryAfterOf(response), std::chrono::seconds(30));
    response.headers = {{"Retry-After", "soon"}};
    EXPECT_FALSE(retryAfterOf(response));
}

TEST(HttpDate, IsRead) {
    EXPECT_EQ(parseHttpDate("Sun, 22 Nov 2026 22:46:09 GMT")->milliseconds, 1795387569000);
    EXPECT_FALSE(parseHttpDate(""));
}

}  // namespace litestream::http
