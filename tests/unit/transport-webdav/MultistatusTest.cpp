#include "Multistatus.h"
#include "support/ErrorOf.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace litestream::webdav {

namespace {

using litestream::test::errorOf;

std::vector<Resource> read(const std::string& text) {
    std::istringstream document(text);
    std::vector<Resource> found;
    readMultistatus(document, "list a", [&](Resource resource) { found.push_back(std::move(resource)); });
    return found;
}

}  // namespace

TEST(Multistatus, TellsFilesAndFolders) {
    const auto found = read(R"(<?xml version="1.0"?>
<D:multistatus xmlns:D="DAV:" xmlns:x="other">
<D:response xmlns:lp1="DAV:"><D:href>/a%20b/</D:href><D:propstat><D:prop><lp1:resourcetype><D:collection/></lp1:resourcetype>
<lp1:getlastmodified>Sun, 22 Nov 2026 22:46:09 GMT</lp1:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
<D:propstat><D:prop><D:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>
<D:response><D:href> http://host:81/a%20b/c&amp;%C3%A4 </D:href><D:propstat><D:prop><D:resourcetype/><D:getcontentlength> 12 </D:getcontentlength>
<x:getcontentlength>99</x:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
</D:multistatus>)");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].path, "/a b");
    EXPECT_TRUE(found[0].isFolder);
    EXPECT_EQ(found[0].modified.milliseconds, 1795387569000);
    EXPECT_EQ(found[1].path, "/a b/c&\u00e4");
    EXPECT_FALSE(found[1].isFolder);
    EXPECT_EQ(found[1].size, 12u);
}

TEST(Multistatus, LeavesOutWhatHasNoSuccess) {
    const auto found =
        read(R"(<multistatus xmlns="DAV:"><response><href>/gone</href><status>HTTP/1.1 404 Not Found</status></response>
<response><href>/bad%zz</href></response><response><href>relative</href></response>
<response><href>/a</href><propstat><prop><getcontentlength>7</getcontentlength></prop><status>HTTP/1.1 403 Forbidden</status></propstat></response></multistatus>)");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].path, "/a");
    EXPECT_EQ(found[0].size, 0u);
}

TEST(Multistatus, RefusesWhatIsNone) {
    for (const char* text :
         {"", "<html></html>", "<multistatus xmlns=\"DAV:\"><response>", "{}", "<multistatus></multistatus>"}) {
        const Error error = errorOf([&] { read(text); });
        EXPECT_EQ(error.code(), ErrorCode::Transient) << text;
        EXPECT_STREQ(error.what(), "list a: the answer is no listing");
    }
}

}  // namespace litestream::webdav
