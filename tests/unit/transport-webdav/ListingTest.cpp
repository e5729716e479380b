#include "Scripted.h"
#include "litestream/Error.h"
#include "support/ErrorOf.h"

#include <gtest/gtest.h>

namespace litestream::webdav {

namespace {

using litestream::test::errorOf;

std::vector<std::string> keys(Transport& transport, std::string_view prefix, std::string_view after,
                              std::size_t limit) {
    std::vector<std::string> found;
    for (const ObjectInfo& info : transport.list(prefix, after, limit, {})) found.push_back(info.key);
    return found;
}

}  // namespace

TEST(WebdavListing, AsksForAFolderOnceAlthoughItIsListedInPages) {
    std::string resources = resource("/db/ltx/0/", 0);
    for (char c = 'z'; c >= 'a'; --c) resources += resource(std::string("/db/ltx/0/") + c, 1);
    Scripted server([&](const auto&, const auto&) { return multistatus(resources); });
    std::string all;
    for (std::string last;;) {
        const auto page = keys(*server.transport, "ltx/0/", last, 5);
        for (const std::string& key : page) all += key.back();
        if (page.size() < 5) break;
        last = page.back();
    }
    EXPECT_EQ(all, "abcdefghijklmnopqrstuvwxyz");
    EXPECT_EQ(server.lines(), std::vector<std::string>{"PROPFIND /db/ltx/0/"});
    // Whoever begins anew sees what is there now.
    keys(*server.transport, "ltx/0/", "", 5);
    EXPECT_EQ(server.lines().size(), 2u);
}

TEST(WebdavListing, DoesNotTakeTheListingOfAnotherPlaceForAnEmptyFolder) {
    Scripted server([](const auto&, const auto&) {
        return multistatus(resource("/other/ltx/0/", 0) + resource("/other/ltx/0/a", 1));
    });
    const Error error = errorOf([&] { keys(*server.transport, "ltx/0/", "", 5); });
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_NE(std::string(error.what()).find("the server answers for /other/ltx/0"), std::string::npos) << error.what();
}

TEST(WebdavListing, RemovesOldUnfinishedFilesOfOursAtTheNextPut) {
    const std::string old = "a.ltx.0123456789abcdef.tmp";
    Scripted server([&](const std::string& line, const auto&) -> Scripted::Answer {
        if (!line.starts_with("PROPFIND")) return {201};
        return multistatus(resource("/db/x/", 0) + resource("/db/x/" + old, 1) + resource("/db/x/foreign.tmp", 1) +
                           resource("/db/x/b.ltx.fedcba9876543210.tmp", 1, "Mon, 23 Nov 2026 23:00:00 GMT"));
    });
    EXPECT_TRUE(keys(*server.transport, "x/", "", 5).empty());
    EXPECT_EQ(server.lines().size(), 1u);
    class Empty final : public Body {
        std::optional<std::uint64_t> size() const override { return 0; }
        ConstBytes next() override { return {}; }
        void rewind() override {}
    } body;
    server.transport->put("x/c", body, {}, {});
    const auto lines = server.lines();
    EXPECT_EQ(lines.back(), "DELETE /db/x/" + old);
    EXPECT_EQ(lines.size(), 5u);  // MKCOL, PUT, MOVE
}

}  // namespace litestream::webdav
