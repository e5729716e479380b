#include "PluginDirectory.h"

#include <cerrno>

namespace litestream::plugin {

TEST(SystemError, ClassFollowsErrno) {
    const std::pair<int, ErrorCode> cases[] = {
        {ENOENT, ErrorCode::NotFound}, {EEXIST, ErrorCode::Conflict},  {EACCES, ErrorCode::Denied}, {EPERM, ErrorCode::Denied},
        {ENOSPC, ErrorCode::DiskFull}, {EDQUOT, ErrorCode::DiskFull}, {EIO, ErrorCode::Transient}, {EMFILE, ErrorCode::Transient}};
    for (const auto& [number, code] : cases) EXPECT_EQ(systemError("x", number).code(), code) << number;
}

TEST(SystemError, TextIsContextAndReasonInLowerCase) {
    EXPECT_STREQ(systemError("open /a", EACCES).what(), "open /a: permission denied");
    EXPECT_STREQ(systemError("open /a", EIO).what(), "open /a: input/output error");
    EXPECT_STREQ(systemError("open /a", 99999).what(), "open /a: error 99999");
}

TEST(ErrorText, GrowsAtItsFront) {
    const Error error = Error(ErrorCode::DiskFull, "write: full").within("restore /tmp/a.db");
    EXPECT_STREQ(error.what(), "restore /tmp/a.db: write: full");
    EXPECT_EQ(error.code(), ErrorCode::DiskFull);
}

TEST(ErrorText, DescribesEachCode) {
    EXPECT_EQ(describe(ErrorCode::NotFound), "not found");
    EXPECT_EQ(describe(ErrorCode::DiskFull), "disk full");
    EXPECT_EQ(describe(ErrorCode::Cancelled), "cancelled");
}

}  // namespace litestream::plugin
