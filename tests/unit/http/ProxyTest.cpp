#include "http/Proxy.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <map>

namespace litestream::http {

namespace {

using Variables = std::map<std::string, std::string>;

Environment of(Variables variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
}

std::string chosen(const Variables& variables, const std::string& host, bool tls = true, std::uint16_t port = 443) {
    const auto proxy = proxyFor({tls, host, port}, of(variables));
    return proxy ? proxy->host + ":" + std::to_string(proxy->port) : "none";
}

}  // namespace

TEST(Proxy, IsChosenByTheScheme) {
    const Variables both{{"HTTPS_PROXY", "http://secure:3128"}, {"http_proxy", "plain:8080"}};
    EXPECT_EQ(chosen(both, "example.org"), "secure:3128");
    EXPECT_EQ(chosen(both, "example.org", false, 80), "plain:8080");
    EXPECT_EQ(chosen({}, "example.org"), "none");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", ""}}, "example.org"), "none");
}

TEST(Proxy, IsNeverAskedForWhatIsNear) {
    const Variables proxy{{"HTTP_PROXY", "p:1"}, {"HTTPS_PROXY", "p:1"}};
    for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "169.254.169.254", "fd00:ec2::254"}) {
        EXPECT_EQ(chosen(proxy, host), "none") << host;
    }
    EXPECT_EQ(chosen(proxy, "127.example.org"), "p:1");
    EXPECT_EQ(chosen(proxy, "10.0.0.1"), "p:1");
}

TEST(Proxy, KeepsToTheExceptions) {
    const auto with = [](const char* exceptions) { return Variables{{"HTTPS_PROXY", "p:1"}, {"no_proxy", exceptions}}; };
    EXPECT_EQ(chosen(with("*"), "example.org"), "none");
    EXPECT_EQ(chosen(with("other, example.org"), "example.org"), "none");
    EXPECT_EQ(chosen(with("example.org"), "nyc3.EXAMPLE.org"), "none");
    EXPECT_EQ(chosen(with("example.org"), "notexample.org"), "p:1");
    EXPECT_EQ(chosen(with(".example.org"), "example.org"), "p:1");
    EXPECT_EQ(chosen(with("*.example.org"), "a.example.org"), "none");
    EXPECT_EQ(chosen(with("example.org:8443"), "example.org"), "p:1");
    EXPECT_EQ(chosen(with("example.org:8443"), "example.org", true, 8443), "none");
    EXPECT_EQ(chosen(with("10.0.0.0/8"), "10.1.2.3"), "none");
    EXPECT_EQ(chosen(with("10.0.0.0/8"), "11.1.2.3"), "p:1");
    EXPECT_EQ(chosen(with("2001:db8::/32"), "2001:db8::5"), "none");
    EXPECT_EQ(chosen(with("10.0.0.0/33"), "10.1.2.3"), "p:1");
}

TEST(Proxy, TakesItsCredentialsFromTheUrl) {
    const auto proxy = proxyFor({true, "example.org", 443}, of({{"HTTPS_PROXY", "http://Aladdin:open%20sesame@p:1"}}));
    ASSERT_TRUE(proxy);
    EXPECT_EQ(proxy->authorization.reveal(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST(Proxy, RefusesWhatItCannotTalkToWithoutShowingIt) {
    for (const char* url : {"https://user:hunter2@p:1", "socks5://hunter2:1", "http://", "http://hunter2:port"}) {
        try {
            proxyFor({true, "example.org", 443}, of({{"HTTPS_PROXY", url}}));
            ADD_FAILURE() << url;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
            EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos) << error.what();
        }
    }
}

}  // namespace litestream::http
