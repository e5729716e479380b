#include "PluginDirectory.h"

#include <cstdlib>

namespace litestream::plugin {

namespace {

class Options : public testing::Test {
protected:
    Options() {
        directory_.add("codec-faulty");
        directory_.add("transport-faulty");
        directory_.add("codec-plain");
        registry_ = directory_.load();
    }

    std::string refusal(std::initializer_list<std::pair<const char*, const char*>> pairs) const {
        const Error error = errorOf([&] { registry_->openCodec("faulty", values(pairs)); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_TRUE(contains(error.what(), "codec plugin \"faulty\"")) << error.what();
        return error.what();
    }

    std::string pathFor(const char* given) const {
        return registry_->openTransport("faulty", values({{"path", given}}))->describe().at(0).second;
    }

    PluginDirectory directory_;
    std::unique_ptr<Registry> registry_;
};

}  // namespace

TEST_F(Options, AreListedAsTheirPluginDeclaresThem) {
    const LoadedPlugin* plugin = registry_->find(PluginKind::Transport, "faulty");
    ASSERT_NE(plugin, nullptr);
    ASSERT_EQ(plugin->options.size(), 2u);
    EXPECT_EQ(plugin->options[0].name, "path");
    EXPECT_EQ(plugin->options[0].type, OptionType::Path);
    EXPECT_TRUE(plugin->options[0].required);
    EXPECT_EQ(plugin->schemes, (std::vector<std::string>{"faulty", "odd+1"}));
    EXPECT_EQ(registry_->find(PluginKind::Codec, "faulty")->options[1].defaultValue, "3");
}

TEST_F(Options, UnknownOneIsAnErrorWithTheNearestKnown) {
    const std::string text = refusal({{"levle", "3"}});
    EXPECT_TRUE(contains(text, "\"levle\"")) << text;
    EXPECT_TRUE(contains(text, "\"level\"")) << text;
}

TEST_F(Options, UnknownOneOfAPluginWithoutOptionsIsAnError) {
    const Error error = errorOf([&] { registry_->openCodec("plain", values({{"level", "3"}})); });
    EXPECT_TRUE(contains(error.what(), "takes none")) << error.what();
}

TEST_F(Options, MissingRequiredOneIsAnErrorWithItsHelp) {
    for (const auto& options : {OptionValues(), values({{"path", ""}})}) {
        const Error error = errorOf([&] { registry_->openTransport("faulty", options); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_TRUE(contains(error.what(), "needs the option \"path\": where to put nothing")) << error.what();
    }
}

TEST_F(Options, OfAnotherTypeAreErrorsThatNameThem) {
    for (const auto& [name, value] : {std::pair{"level", "three"}, std::pair{"window", "8 miles"}, std::pair{"pause", "7d"},
                                      std::pair{"strict", "maybe"}}) {
        const std::string text = refusal({{name, value}});
        EXPECT_TRUE(contains(text, std::string("option \"") + name + "\"")) << text;
        EXPECT_TRUE(contains(text, value)) << text;
    }
    EXPECT_NE(registry_->openCodec("faulty", values({{"level", "-4"}, {"window", "8MiB"}, {"pause", "1h30m"}, {"strict", "yes"}})),
              nullptr);
}

TEST_F(Options, PathsBecomeAbsolute) {
    EXPECT_EQ(pathFor("/a//b/../c/"), "/a/c");
    EXPECT_EQ(pathFor("x/y"), (std::filesystem::current_path() / "x/y").string());
    const char* home = std::getenv("HOME");
    ASSERT_NE(home, nullptr);
    EXPECT_EQ(pathFor("~/x"), (std::filesystem::path(home) / "x").lexically_normal().string());
    EXPECT_EQ(pathFor("~other/x"), (std::filesystem::current_path() / "~other/x").string());
}

TEST_F(Options, UrlSchemesAreFoundInAnyCase) {
    EXPECT_EQ(errorOf([&] { registry_->parseUrl("FAULTY://x"); }).code(), ErrorCode::Transient);
    EXPECT_EQ(errorOf([&] { registry_->parseUrl("odd+1://x"); }).code(), ErrorCode::Transient);
}

TEST_F(Options, UrlWithoutSchemeIsAnError) {
    for (const char* url : {"", "/a/b", "/a:b", "a/b:c", "://x", "1a://x"}) {
        const Error error = errorOf([&] { registry_->parseUrl(url); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument) << url;
        EXPECT_EQ(error.what(), std::string("replica url scheme required: ") + url);
    }
}

TEST_F(Options, UrlWithoutSchemeIsAnErrorWithoutItsPassword) {
    EXPECT_STREQ(errorOf([&] { registry_->parseUrl("/me:hunter/2@host/path"); }).what(), "replica url scheme required: xxxxx@host/path");
}

TEST_F(Options, UrlThatNobodyTakesIsAnErrorWithoutItsPassword) {
    const Error error = errorOf([&] { registry_->parseUrl("sftp://user:hunter2@host/path"); });
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    EXPECT_TRUE(contains(error.what(), "\"sftp\"")) << error.what();
    EXPECT_TRUE(contains(error.what(), directory_.path().string())) << error.what();
    EXPECT_FALSE(contains(error.what(), "hunter2")) << error.what();
}

}  // namespace litestream::plugin
