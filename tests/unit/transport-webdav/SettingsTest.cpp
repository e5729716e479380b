#include "Settings.h"
#include "support/ErrorOf.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

namespace litestream::webdav {

namespace {

using litestream::test::errorOf;

OptionValues values(const std::string& url, const std::string& path = "") {
    OptionValues options;
    options.set("webdav-url", url);
    options.set("path", path);
    return options;
}

OptionValues ofUrl(std::string_view url) {
    std::vector<std::string> unknown;
    return optionsOfUrl(url, unknown);
}

}  // namespace

TEST(WebdavSettings, JoinTheFolderAndThePath) {
    const Settings settings = settingsFrom(values("https://Cloud.example:8443/remote.php/dav/a%20b/", "/ä/./db/"));
    EXPECT_TRUE(settings.origin.tls);
    EXPECT_EQ(settings.origin.host, "cloud.example");
    EXPECT_EQ(settings.origin.port, 8443);
    EXPECT_EQ(settings.root, "/remote.php/dav/a%20b/%C3%A4/db");
    EXPECT_TRUE(settings.tls.verify);
    EXPECT_EQ(settingsFrom(values("http://host")).root, "");
    EXPECT_EQ(settingsFrom(values("http://host/", "/")).root, "");
    EXPECT_EQ(settingsFrom(values("http://host", "db")).root, "/db");
    EXPECT_EQ(settingsFrom(values("http://host")).origin.port, 80);
}

TEST(WebdavSettings, RefuseWhatMakesNoSense) {
    const auto refusal = [](const OptionValues& options) {
        return std::string(errorOf([&] { settingsFrom(options); }).what());
    };
    EXPECT_EQ(refusal(values("")), "webdav-url required for webdav replica");
    EXPECT_EQ(refusal(values("ftp://host/")), "webdav-url \"ftp://host/\": wanted http:// or https://");
    EXPECT_EQ(refusal(values("host/dav")), "webdav-url \"host/dav\": wanted http:// or https://");
    EXPECT_EQ(refusal(values("https://host/?a=b")),
              "webdav-url \"https://host/?a=b\": must not have a query or fragment");
    EXPECT_EQ(refusal(values("https://u:hidden@host/")).find("hidden"), std::string::npos);
    OptionValues options = values("https://host");
    options.set("webdav-password", Secret("hidden"));
    EXPECT_EQ(refusal(options), "webdav-password is given without webdav-username");
}

TEST(WebdavUrl, StandsForTheOptions) {
    const OptionValues options = ofUrl("webdavs://me%40home:p%3A%2F%25w@dav.example:8443/a%20b//../db/");
    EXPECT_EQ(options.text("webdav-url"), "https://dav.example:8443");
    EXPECT_EQ(options.text("path"), "/db");
    EXPECT_EQ(options.text("webdav-username"), "me@home");
    EXPECT_EQ(options.secret("webdav-password").reveal(), "p:/%w");
    EXPECT_EQ(ofUrl("WebDAV://host/a%20b").text("webdav-url"), "http://host");
    EXPECT_EQ(ofUrl("webdav://host/a%20b").text("path"), "/a b");
    EXPECT_EQ(ofUrl("webdav://host").text("path"), "");
    EXPECT_FALSE(ofUrl("webdav://host").has("webdav-username"));
    EXPECT_EQ(ofUrl("webdavs://host/db?skip-verify=true").text("skip-verify"), "true");
}

TEST(WebdavUrl, NamesParametersThatMeanNothing) {
    std::vector<std::string> unknown;
    optionsOfUrl("webdav://host/db?region=x&skip-verify=true", unknown);
    EXPECT_EQ(unknown, std::vector<std::string>{"region"});
}

TEST(WebdavUrl, IsRefusedWithoutShowingItsPassword) {
    for (const char* url : {"webdav://u:hidden%@host/", "webdav://u:hidden@host:port/", "webdav:///db"}) {
        const Error error = errorOf([&] { ofUrl(url); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument) << url;
        EXPECT_EQ(std::string(error.what()).find("hidden"), std::string::npos) << error.what();
    }
}

}  // namespace litestream::webdav
