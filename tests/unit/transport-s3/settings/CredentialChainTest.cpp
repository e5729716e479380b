#include "FakeService.h"
#include "Support.h"
#include "http/Digest.h"
#include "credentials/CredentialChain.h"
#include "credentials/HttpDocuments.h"
#include "base/Signature.h"
#include "support/TemporaryDirectory.h"

#include <Poco/Net/ServerSocket.h>

#include <signal.h>

#include <fstream>
#include <future>

namespace litestream::s3 {

namespace {

using Variables = std::map<std::string, std::string>;

constexpr const char* kJson =
    R"({"Code":"Success","AccessKeyId":"AKJSON","SecretAccessKey":"hidden-json","Token":"hidden-token",)"
    R"("Expiration":"2099-01-02T03:04:05Z"})";

/// The chain over the real network, with an environment of the test's own and an empty home.
class Chain : public testing::Test {
protected:
    std::shared_ptr<CredentialProvider> chain(Variables variables) {
        variables.try_emplace("HOME", directory_.path().string());
        variables.try_emplace("AWS_EC2_METADATA_DISABLED", "true");
        return makeChain(environmentOf(std::move(variables)), std::make_unique<HttpDocuments>(std::make_shared<Http>()),
                         &std::chrono::system_clock::now);
    }
    Credentials get(Variables variables) { return chain(std::move(variables))->get({}); }
    Error refusal(Variables variables) {
        return errorOf([&] { get(std::move(variables)); });
    }
    std::string write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((directory_ / name).parent_path());
        std::ofstream(directory_ / name) << text;
        return directory_ / name;
    }

    litestream::test::TemporaryDirectory directory_;
};

/// For the address of a container's service, which is not on loopback.
class OneAnswer final : public Documents {
public:
    explicit OneAnswer(std::string& asked) : asked_(asked) {}
    Document fetch(const DocumentRequest& request, const CallContext&) override {
        asked_ = request.method + " " + request.url;
        return {200, kJson};
    }

private:
    std::string& asked_;
};

/// A service that gives the answer of STS, and remembers the requests.
FakeService::Answer roleAnswer(const FakeService::Asked&) {
    return {200,
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>"
            "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>hidden-role</SecretAccessKey>"
            "<SessionToken>hidden-session</SessionToken><Expiration>2099-01-02T03:04:05.678Z</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"};
}

void expectRole(const Credentials& credentials) {
    EXPECT_EQ(credentials.accessKeyId, "ASIAROLE");
    EXPECT_EQ(credentials.secretAccessKey.reveal(), "hidden-role");
    EXPECT_EQ(credentials.sessionToken.reveal(), "hidden-session");
    ASSERT_TRUE(credentials.expires);
    EXPECT_EQ(std::chrono::duration_cast<std::chrono::milliseconds>(credentials.expires->time_since_epoch()).count(),
              4071006245678);
}

/// What the service that got the request would compute for itself.
void expectSigned(const FakeService::Asked& asked, const std::string& id, const std::string& secret,
                  const std::string& region) {
    const std::string authorization = asked.header("authorization");
    const std::string date = asked.header("x-amz-date");
    Headers headers{
        {"content-type", asked.header("content-type")}, {"host", asked.header("host")}, {"x-amz-date", date}};
    if (!asked.header("x-amz-security-token").empty()) {
        headers.emplace_back("x-amz-security-token", asked.header("x-amz-security-token"));
    }
    const std::string hash = sha256Hex(bytesOf(asked.body));
    EXPECT_EQ(authorization, Signer("sts").authorization({asked.method, asked.target, "", headers, hash}, date, region,
                                                         id, Secret(secret)));
    EXPECT_TRUE(
        contains(authorization, "Credential=" + id + "/" + date.substr(0, 8) + "/" + region + "/sts/aws4_request"))
        << authorization;
}

class MetadataService {
public:
    explicit MetadataService(int tokenStatus = 200) : tokenStatus_(tokenStatus) {}
    FakeService::Answer operator()(const FakeService::Asked& asked) const {
        const std::string roles = "/latest/meta-data/iam/security-credentials/";
        if (asked.method == "PUT" && asked.target == "/latest/api/token")
            return {tokenStatus_, tokenStatus_ == 200 ? "hidden-imds" : ""};
        const bool fits = tokenStatus_ == 200 ? asked.header("x-aws-ec2-metadata-token") == "hidden-imds"
                                              : !asked.headers.contains("x-aws-ec2-metadata-token");
        if (asked.method != "GET" || !fits) return {401, ""};
        if (asked.target == roles) return {200, "backup-role\n"};
        if (asked.target == roles + "backup-role") return {200, kJson};
        return {404, ""};
    }

private:
    const int tokenStatus_;
};

}  // namespace

TEST_F(Chain, ReadsTheEnvironment) {
    const struct {
        Variables variables;
        const char* id;  // null: none
    } rows[] = {
        {{{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s/+"}}, "A"},
        {{{"AWS_ACCESS_KEY", "A"}, {"AWS_SECRET_KEY", "s/+"}}, "A"},
        {{{"LITESTREAM_ACCESS_KEY_ID", "L"}, {"LITESTREAM_SECRET_ACCESS_KEY", "s/+"}}, "L"},
        {{{"AWS_ACCESS_KEY_ID", "A"},
          {"AWS_SECRET_ACCESS_KEY", "s/+"},
          {"LITESTREAM_ACCESS_KEY_ID", "L"},
          {"LITESTREAM_SECRET_ACCESS_KEY", "t"}},
         "A"},
        {{{"LITESTREAM_ACCESS_KEY_ID", "L"}, {"LITESTREAM_SECRET_ACCESS_KEY", "s/+"}, {"AWS_ACCESS_KEY", "A"}}, "L"},
        {{{"AWS_ACCESS_KEY_ID", ""}, {"LITESTREAM_ACCESS_KEY_ID", "L"}, {"LITESTREAM_SECRET_ACCESS_KEY", "s/+"}},
         nullptr},
        {{{"AWS_ACCESS_KEY_ID", "A"}}, nullptr},
        {{{"AWS_SECRET_ACCESS_KEY", "s/+"}}, nullptr},
        {{}, nullptr},
    };
    for (const auto& row : rows) {
        if (row.id == nullptr) {
            EXPECT_EQ(refusal(row.variables).code(), ErrorCode::Denied);
            continue;
        }
        const Credentials credentials = get(row.variables);
        EXPECT_EQ(credentials.accessKeyId, row.id);
        EXPECT_EQ(credentials.secretAccessKey.reveal(), "s/+");
        EXPECT_TRUE(credentials.sessionToken.empty());
    }
    EXPECT_EQ(get({{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}})
                  .sessionToken.reveal(),
              "t");
}

TEST_F(Chain, ReadsProfiles) {
    write(".aws/credentials",
          "# comment\n[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = hidden=/+\n\n"
          "[ other "
          "]\r\nAWS_ACCESS_KEY_ID=AKOTHER\r\naws_secret_access_key=hidden2\r\naws_session_token=hidden3\r\n[Other]"
          "\naws_access_key_id=AKCASE\n"
          "aws_secret_access_key=hidden4\n");
    write(".aws/config",
          "[default]\nregion = x\naws_access_key_id = AKCONFIG\naws_secret_access_key = no\ns3 =\n  aws_access_key_id "
          "= nested\n"
          "[profile third]\naws_access_key_id = AKTHIRD\naws_secret_access_key = "
          "hidden5\n[fourth]\naws_access_key_id=x\n");
    EXPECT_EQ(get({}).accessKeyId, "AKDEFAULT");
    EXPECT_EQ(get({}).secretAccessKey.reveal(), "hidden=/+");
    EXPECT_EQ(get({{"AWS_PROFILE", "other"}}).accessKeyId, "AKOTHER");
    EXPECT_EQ(get({{"AWS_PROFILE", "other"}}).sessionToken.reveal(), "hidden3");
    EXPECT_EQ(get({{"AWS_PROFILE", "Other"}}).accessKeyId, "AKCASE");
    EXPECT_EQ(get({{"AWS_DEFAULT_PROFILE", "third"}}).accessKeyId, "AKTHIRD");
    EXPECT_EQ(get({{"AWS_PROFILE", "other"}, {"AWS_DEFAULT_PROFILE", "third"}}).accessKeyId, "AKOTHER");
    const Error missing = refusal({{"AWS_PROFILE", "fourth"}});
    EXPECT_EQ(missing.code(), ErrorCode::Denied);
    EXPECT_TRUE(contains(missing.what(), "aws profile \"fourth\": is not in ")) << missing.what();
    EXPECT_TRUE(contains(missing.what(), ".aws/credentials")) << missing.what();
}

TEST_F(Chain, TheEnvironmentNamesTheFiles) {
    const std::string credentials =
        write("keys", "[default]\naws_access_key_id=AKFILE\naws_secret_access_key=hidden\n");
    EXPECT_EQ(get({{"AWS_SHARED_CREDENTIALS_FILE", credentials}}).accessKeyId, "AKFILE");
    const std::string config =
        write("conf", "[profile default]\naws_access_key_id=AKCONF\naws_secret_access_key=hidden\n");
    EXPECT_EQ(get({{"AWS_CONFIG_FILE", config}}).accessKeyId, "AKCONF");
    EXPECT_EQ(
        get({{"AWS_CONFIG_FILE", config}, {"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "s"}}).accessKeyId,
        "A");
}

TEST_F(Chain, ReadsAFileAgainWhenItChanges) {
    const auto provider = chain({});
    write(".aws/credentials", "[default]\naws_access_key_id=AKOLD\naws_secret_access_key=hidden\n");
    EXPECT_EQ(provider->get({}).accessKeyId, "AKOLD");
    write(".aws/credentials", "[default]\naws_access_key_id=AKNEWER\naws_secret_access_key=hidden\n");
    EXPECT_EQ(provider->get({}).accessKeyId, "AKNEWER");
}

TEST_F(Chain, HalfAPairInAProfileIsAnError) {
    write(".aws/credentials", "[default]\naws_access_key_id=AK\n[b]\naws_secret_access_key=hidden\n");
    EXPECT_TRUE(contains(refusal({}).what(), "aws_secret_access_key is missing"));
    const Error error = refusal({{"AWS_PROFILE", "b"}});
    EXPECT_TRUE(contains(error.what(), "aws_access_key_id is missing"));
    EXPECT_FALSE(contains(error.what(), "hidden"));
}

TEST_F(Chain, RunsACredentialProcess) {
    const std::string program = write(
        "my keys",
        "#!/bin/sh\n[ \"$1\" = 'a b' ] && [ \"$2\" = '$HOME;' ] || exit 3\n"
        "echo '{\"Version\":1,\"AccessKeyId\":\"AKPROC\",\"SecretAccessKey\":\"hidden\",\"SessionToken\":\"t\"}'\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    write(".aws/config", "[default]\ncredential_process = \"" + program +
                             "\" \"a b\" $HOME;\n[profile bad]\ncredential_process = \"" + program +
                             "\" x\n[profile none]\ncredential_process = /nonexistent/program\n[profile "
                             "text]\ncredential_process = echo hidden\n");
    const Credentials credentials = get({});
    EXPECT_EQ(credentials.accessKeyId, "AKPROC");
    EXPECT_EQ(credentials.sessionToken.reveal(), "t");
    EXPECT_FALSE(credentials.expires);
    EXPECT_TRUE(contains(refusal({{"AWS_PROFILE", "bad"}}).what(), "ended with status 3"));
    EXPECT_TRUE(contains(refusal({{"AWS_PROFILE", "none"}}).what(), "cannot be run"));
    const Error text = refusal({{"AWS_PROFILE", "text"}});
    EXPECT_TRUE(contains(text.what(), "no JSON object")) << text.what();
    EXPECT_FALSE(contains(text.what(), "hidden")) << text.what();
}

TEST_F(Chain, KillsACredentialProcessThatTakesTooLong) {
    write(".aws/config", "[default]\ncredential_process = sleep 1000\n");
    const auto provider = chain({});
    EXPECT_EQ(errorOf([&] { provider->get(CallContext::within(std::chrono::milliseconds(50))); }).code(),
              ErrorCode::Cancelled);
}

TEST_F(Chain, KillsACredentialProcessThatOnlyClosesItsOutput) {
    const std::string program =
        write("lingering", "#!/bin/sh\nexec >&-\necho $$ > \"${0%/*}/pid\"\nexec sleep 1000\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    write(".aws/config", "[default]\ncredential_process = " + program + "\n");
    const auto provider = chain({});
    CancellationSource source;
    auto asking = std::async(std::launch::async, [&] {
        return errorOf([&] { provider->get({CallContext::Clock::time_point::max(), source.token()}); }).code();
    });
    pid_t pid = 0;
    while (pid == 0 && asking.wait_for(std::chrono::milliseconds(1)) == std::future_status::timeout) {
        std::ifstream(directory_ / "pid") >> pid;
    }
    source.cancel();
    EXPECT_EQ(asking.get(), ErrorCode::Cancelled);
    ASSERT_GT(pid, 0);
    EXPECT_EQ(::kill(pid, 0), -1) << "the program is gone, and nobody is left to wait for it";
}

TEST_F(Chain, SaysThatASignalEndedTheCredentialProcess) {
    const std::string program = write("dying", "#!/bin/sh\nkill -TERM $$\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    write(".aws/config", "[default]\ncredential_process = " + program + "\n");
    EXPECT_TRUE(contains(refusal({}).what(), "ended by signal 15")) << refusal({}).what();
}

TEST_F(Chain, SaysThatSingleSignOnIsNotSupported) {
    write(".aws/config", "[default]\nsso_session = x\n");
    EXPECT_TRUE(contains(refusal({}).what(), "single sign-on")) << refusal({}).what();
}

TEST_F(Chain, AssumesARoleWithTheKeysOfAnotherProfile) {
    const FakeService sts(roleAnswer);
    write(".aws/config",
          "[default]\nrole_arn = arn:aws:iam::1:role/backup\nsource_profile = base\nexternal_id = e+1\nregion = "
          "eu-west-1\n"
          "role_session_name = nightly\nduration_seconds = 900\n"
          "[profile self]\nrole_arn = arn:aws:iam::1:role/self\nsource_profile = self\naws_access_key_id = AKSELF\n"
          "aws_secret_access_key = hidden-self\n"
          "[profile env]\nrole_arn = arn:aws:iam::1:role/env\ncredential_source = EcsContainer\n");
    write(".aws/credentials",
          "[base]\naws_access_key_id = AKBASE\naws_secret_access_key = hidden-base\naws_session_token = hidden-t\n");
    const Variables variables{{"AWS_ENDPOINT_URL_STS", sts.url()}};
    expectRole(get(variables));
    ASSERT_EQ(sts.asked().size(), 1u);
    const FakeService::Asked asked = sts.asked()[0];
    EXPECT_EQ(asked.method, "POST");
    EXPECT_EQ(
        asked.body,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fbackup&RoleSessionName=nightly&"
        "ExternalId=e%2B1&DurationSeconds=900");
    EXPECT_EQ(asked.header("x-amz-security-token"), "hidden-t");
    EXPECT_EQ("http://" + asked.header("host"), sts.url());
    expectSigned(asked, "AKBASE", "hidden-base", "eu-west-1");

    Variables self = variables;
    self["AWS_PROFILE"] = "self";
    expectRole(get(self));
    expectSigned(sts.asked()[1], "AKSELF", "hidden-self", "us-east-1");

    const FakeService container([](const FakeService::Asked&) { return FakeService::Answer{200, kJson}; });
    Variables other = variables;
    other["AWS_PROFILE"] = "env";
    other["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url() + "/x";
    expectRole(get(other));
    expectSigned(sts.asked()[2], "AKJSON", "hidden-json", "us-east-1");
}

TEST_F(Chain, RefusesProfilesThatLeadNowhere) {
    write(".aws/config",
          "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n"
          "[profile c]\nrole_arn = r\nsource_profile = gone\n[profile d]\nrole_arn = r\n"
          "[profile e]\nrole_arn = r\ncredential_source = Moon\n[profile f]\nrole_arn = r\nmfa_serial = x\n");
    const std::pair<const char*, const char*> rows[] = {{"a", "its own source_profile"},
                                                        {"c", "\"gone\": is not in"},
                                                        {"d", "neither source_profile nor"},
                                                        {"e", "wanted Environment"},
                                                        {"f", "mfa_serial"}};
    for (const auto& [profile, text] : rows) {
        const Error error = refusal({{"AWS_PROFILE", profile}});
        EXPECT_EQ(error.code(), ErrorCode::Denied);
        EXPECT_TRUE(contains(error.what(), text)) << error.what();
    }
}

TEST_F(Chain, AssumesARoleWithAWebIdentity) {
    const FakeService sts(roleAnswer);
    const std::string file = write("token", "hidden.jwt+x\n");
    const Variables variables{
        {"AWS_ENDPOINT_URL_STS", sts.url()}, {"AWS_WEB_IDENTITY_TOKEN_FILE", file}, {"AWS_ROLE_ARN", "arn:r"}};
    expectRole(get(variables));
    ASSERT_EQ(sts.asked().size(), 1u);
    EXPECT_EQ(sts.asked()[0].body,
              "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=litestream&"
              "WebIdentityToken=hidden.jwt%2Bx");
    EXPECT_EQ(sts.asked()[0].header("authorization"), "");
    // Both variables, or neither.
    EXPECT_TRUE(contains(refusal({{"AWS_WEB_IDENTITY_TOKEN_FILE", file}}).what(), "no credentials for s3"));
}

TEST_F(Chain, TellsWhatTheTokenServiceSaid) {
    for (const auto& [status, code] : {std::pair(403, ErrorCode::Denied), std::pair(500, ErrorCode::Transient)}) {
        const int answered = status;
        const FakeService sts([answered](const FakeService::Asked&) {
            return FakeService::Answer{
                answered,
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"};
        });
        const std::string file = write("token", "hidden.jwt");
        const Error error = refusal(
            {{"AWS_ENDPOINT_URL_STS", sts.url()}, {"AWS_WEB_IDENTITY_TOKEN_FILE", file}, {"AWS_ROLE_ARN", "arn:r"}});
        EXPECT_EQ(error.code(), code);
        EXPECT_TRUE(contains(error.what(), "assume role arn:r")) << error.what();
        EXPECT_TRUE(contains(error.what(), "AccessDenied: not you")) << error.what();
        EXPECT_FALSE(contains(error.what(), "hidden")) << error.what();
    }
}

TEST_F(Chain, AsksTheContainerEndpoint) {
    const FakeService container([](const FakeService::Asked&) { return FakeService::Answer{200, kJson}; });
    const std::string url = container.url() + "/get?x=1";
    const Credentials credentials =
        get({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "hidden-auth"}});
    EXPECT_EQ(credentials.accessKeyId, "AKJSON");
    EXPECT_EQ(credentials.sessionToken.reveal(), "hidden-token");
    EXPECT_TRUE(credentials.expires);
    EXPECT_EQ(container.asked()[0].target, "/get?x=1");
    EXPECT_EQ(container.asked()[0].header("authorization"), "hidden-auth");
    const std::string file = write("auth", "hidden-file\n");
    get({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file}});
    EXPECT_EQ(container.asked()[1].header("authorization"), "hidden-file");
}

TEST_F(Chain, ARelativeAddressIsThatOfTheContainersService) {
    std::string asked;
    const auto provider = makeChain(environmentOf({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1"}}),
                                    std::make_unique<OneAnswer>(asked), &std::chrono::system_clock::now);
    EXPECT_EQ(provider->get({}).accessKeyId, "AKJSON");
    EXPECT_EQ(asked, "GET http://169.254.170.2/v2/credentials/1");
}

TEST_F(Chain, KeepsContainerCredentialsOffTheNetwork) {
    const Error error = refusal({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.net/x"}});
    EXPECT_EQ(error.code(), ErrorCode::Denied);
    EXPECT_TRUE(contains(error.what(), "must be https")) << error.what();
}

TEST_F(Chain, AContainerEndpointThatRefusesIsAnError) {
    const FakeService container([](const FakeService::Asked&) { return FakeService::Answer{403, "hidden"}; });
    const Error error = refusal({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url()}});
    EXPECT_EQ(error.code(), ErrorCode::Denied);
    EXPECT_TRUE(contains(error.what(), "answered 403")) << error.what();
    EXPECT_FALSE(contains(error.what(), "hidden")) << error.what();
}

TEST_F(Chain, AsksInstanceMetadata) {
    for (const int tokenStatus : {200, 404}) {
        const FakeService metadata{MetadataService(tokenStatus)};
        const Variables variables{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url()},
                                  {"AWS_EC2_METADATA_DISABLED", "false"}};
        const Credentials credentials = get(variables);
        EXPECT_EQ(credentials.accessKeyId, "AKJSON") << tokenStatus;
        EXPECT_EQ(credentials.sessionToken.reveal(), "hidden-token");
        EXPECT_EQ(metadata.asked()[0].header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
    }
}

TEST_F(Chain, AMachineWithoutMetadataHasNone) {
    // A port where nobody listens.
    const std::string port =
        std::to_string(Poco::Net::ServerSocket(Poco::Net::SocketAddress("127.0.0.1", 0)).address().port());
    const Error error =
        refusal({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:" + port}, {"AWS_EC2_METADATA_DISABLED", ""}});
    EXPECT_EQ(error.code(), ErrorCode::Denied);
    EXPECT_TRUE(contains(error.what(), "no credentials for s3")) << error.what();
}

TEST_F(Chain, DisabledMetadataIsNotAsked) {
    const FakeService metadata{MetadataService()};
    refusal({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url()}, {"AWS_EC2_METADATA_DISABLED", "TRUE"}});
    EXPECT_TRUE(metadata.asked().empty());
}

TEST_F(Chain, ADamagedAnswerShowsNothingOfIt) {
    for (const char* body :
         {R"({"AccessKeyId":"AK","Secret":"hidden"})", R"({"SecretAccessKey":"hidden"})", R"(["hidden"])", "hidden{",
          R"({"AccessKeyId":"AK","SecretAccessKey":"hidden","Expiration":"hidden"})"}) {
        const FakeService container([body](const FakeService::Asked&) { return FakeService::Answer{200, body}; });
        const Error error = refusal({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url()}});
        EXPECT_EQ(error.code(), ErrorCode::Denied) << body;
        EXPECT_FALSE(contains(error.what(), "hidden")) << error.what();
    }
}

}  // namespace litestream::s3
