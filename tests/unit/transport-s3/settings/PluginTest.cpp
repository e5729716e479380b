#include "Support.h"
#include "plugin/Registry.h"

#include <algorithm>
#include <cstdlib>

namespace litestream::s3 {

namespace {

constexpr const char* kUrl = "s3://SPACENAME.nyc3.digitaloceanspaces.com/db";

/// The built plugin, as a program loads it.
class Plugin : public testing::Test {
protected:
    const plugin::LoadedPlugin& plugin() const {
        const plugin::LoadedPlugin* found = registry_->find(PluginKind::Transport, "s3");
        if (found == nullptr) throw Error(ErrorCode::NotFound, "transport-s3 was not loaded");
        return *found;
    }
    std::string described(OptionValues options) const {
        std::string text;
        for (const auto& [name, value] : registry_->openTransport("s3", std::move(options))->describe()) {
            text.append(text.empty() ? "" : " ").append(name).append("=").append(value);
        }
        return text;
    }

    const std::unique_ptr<plugin::Registry> registry_ = plugin::Registry::load({LITESTREAM_BIN "/plugins"});
};

}  // namespace

TEST_F(Plugin, TakesUpstreamsOptions) {
    const auto& options = plugin().options;
    for (const char* name :
         {"bucket", "path", "region", "endpoint", "access-key-id", "secret-access-key", "force-path-style",
          "skip-verify", "sign-payload", "require-content-md5", "storage-class", "part-size", "concurrency",
          "sse-customer-algorithm", "sse-customer-key", "sse-customer-key-path", "sse-kms-key-id"}) {
        EXPECT_TRUE(std::any_of(options.begin(), options.end(), [&](const auto& option) {
            return option.name == name;
        })) << name;
    }
    for (const plugin::Option& option : options) {
        const bool isKey = option.name == "access-key-id" || option.name == "secret-access-key" ||
                           option.name == "session-token" || option.name == "sse-customer-key";
        EXPECT_EQ(option.type == OptionType::Secret, isKey) << option.name;
        EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_FALSE(option.required) << option.name << ": upstream's own message says what is missing";
    }
}

TEST_F(Plugin, OpensWhatAUrlSays) {
    const auto parsed = registry_->parseUrl(kUrl);
    EXPECT_EQ(parsed.transport, "s3");
    EXPECT_EQ(described(parsed.options),
              "bucket=SPACENAME path=db region=nyc3 endpoint=https://nyc3.digitaloceanspaces.com");
    EXPECT_EQ(registry_->parseUrl("S3://bucket").options.text("path"), ".");
}

TEST_F(Plugin, OpensWhatAConfigurationSays) {
    EXPECT_EQ(described(optionsOf({{"bucket", "SPACENAME"},
                                   {"path", "db"},
                                   {"endpoint", "nyc3.digitaloceanspaces.com"},
                                   {"region", "nyc3"}})),
              "bucket=SPACENAME path=db region=nyc3 endpoint=nyc3.digitaloceanspaces.com");
}

TEST_F(Plugin, OpensWithoutCredentials) {
    EXPECT_NO_THROW(described(registry_->parseUrl("s3://bucket/db").options));
}

TEST_F(Plugin, ShowsNoSecret) {
    OptionValues options = registry_->parseUrl(kUrl).options;
    for (const char* name : {"access-key-id", "secret-access-key", "session-token"})
        options.set(name, Secret("hidden"));
    EXPECT_FALSE(contains(described(options), "hidden"));
    options.set("sse-customer-key", Secret("hidden"));
    const Error error = errorOf([&] { described(options); });
    EXPECT_FALSE(contains(error.what(), "hidden")) << error.what();
}

TEST_F(Plugin, RefusesHalfAPairWhenItIsOpened) {
    OptionValues options = registry_->parseUrl(kUrl).options;
    options.set("secret-access-key", Secret("hidden"));
    const Error error = errorOf([&] { described(options); });
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_TRUE(contains(error.what(), "access-key-id is missing")) << error.what();
}

TEST_F(Plugin, SaysThatABucketIsMissing) {
    EXPECT_STREQ(errorOf([&] { described({}); }).what(), "bucket required for s3 replica");
    EXPECT_STREQ(errorOf([&] { registry_->parseUrl("s3://nyc3.digitaloceanspaces.com/db"); }).what(),
                 "bucket required for s3 replica");
}

}  // namespace litestream::s3
