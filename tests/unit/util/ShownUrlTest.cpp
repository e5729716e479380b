#include "util/ShownUrl.h"

#include <gtest/gtest.h>

namespace litestream {

TEST(ShownUrl, LeavesAloneWhatHoldsNoSecret) {
    for (const char* url : {"", "/a/b", "b/p", "://x", "s3://bucket/db", "file:///a:b", "AB+1.c-d://x"}) EXPECT_EQ(shownUrl(url), url);
}

TEST(ShownUrl, HidesWhatIsAheadOfTheLastAt) {
    EXPECT_EQ(shownUrl("s3://AKIA:hidden@bucket/db"), "s3://xxxxx@bucket/db");
    EXPECT_EQ(shownUrl("s3://AKIA:hid/den@bucket/db"), "s3://xxxxx@bucket/db");
    EXPECT_EQ(shownUrl("s3://AKIA:hid@d/en@bucket/db"), "s3://xxxxx@bucket/db");
    EXPECT_EQ(shownUrl("s3://hidden@bucket"), "s3://xxxxx@bucket");
    EXPECT_EQ(shownUrl("me:hid/den@host/x"), "xxxxx@host/x");
    EXPECT_EQ(shownUrl("me:hid://den@host/x"), "xxxxx@host/x");
    EXPECT_EQ(shownUrl("//me:hidden@host"), "xxxxx@host");
}

TEST(ShownUrl, LeavesOutQueryAndFragment) {
    EXPECT_EQ(shownUrl("s3://bucket/db?token=hidden"), "s3://bucket/db");
    EXPECT_EQ(shownUrl("s3://bucket/db#hidden?x"), "s3://bucket/db");
    EXPECT_EQ(shownUrl("s3://me:hidden@bucket/db?token=hidden"), "s3://xxxxx@bucket/db");
}

TEST(ShownUrl, HidesAllWhenTheAtMayBelongToASecret) {
    EXPECT_EQ(shownUrl("s3://AKIA:hid?den@bucket/db"), "s3://xxxxx");
    EXPECT_EQ(shownUrl("s3://AKIA:hid#den@bucket/db?x=y"), "s3://xxxxx");
    EXPECT_EQ(shownUrl("s3://me:hidden@bucket/db?mail=a@hidden"), "s3://xxxxx");
}

}  // namespace litestream
