#include "InstanceCredentials.h"

#include "../base/Endpoint.h"
#include "../base/TextFile.h"
#include "CredentialText.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::s3 {

namespace {

using namespace std::chrono_literals;

constexpr const char* kWhat = "instance metadata";
constexpr const char* kRoles = "/latest/meta-data/iam/security-credentials/";
/// The service is on the machine's own host: who does not answer at once is not there.
constexpr auto kPatience = 1s;

}  // namespace

std::string InstanceCredentials::endpoint() const {
    std::string endpoint = firstOf(environment_, {"AWS_EC2_METADATA_SERVICE_ENDPOINT"});
    if (!endpoint.empty()) {
        while (endpoint.ends_with('/')) endpoint.pop_back();
        return endpoint;
    }
    const bool v6 = lowerCase(firstOf(environment_, {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"})) == "ipv6";
    return v6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

/// Absent when nobody answers.
std::optional<Document> InstanceCredentials::ask(const DocumentRequest& request, const CallContext& context) const {
    CallContext brief = CallContext::within(kPatience, context.cancellation);
    brief.deadline = std::min(brief.deadline, context.deadline);
    try {
        return documents_.fetch(request, brief);
    } catch (const Error&) {
        context.check("ask for instance metadata");
        return std::nullopt;
    }
}

std::optional<Credentials> InstanceCredentials::fetch(const CallContext& context) {
    if (lowerCase(firstOf(environment_, {"AWS_EC2_METADATA_DISABLED"})) == "true") return std::nullopt;
    const std::string base = endpoint();
    const auto token =
        ask({"PUT", base + "/latest/api/token", {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}, ""}, context);
    if (!token) return std::nullopt;
    std::vector<std::pair<std::string, std::string>> headers;
    if (token->status == 200) headers.emplace_back("X-aws-ec2-metadata-token", std::string(trimmed(token->body)));

    const auto roles = ask({"GET", base + kRoles, headers, ""}, context);
    if (!roles || roles->status != 200) return std::nullopt;
    const std::string role(trimmed(roles->body.substr(0, roles->body.find('\n'))));
    if (role.empty()) return std::nullopt;
    auto answer = ask({"GET", base + kRoles + role, headers, ""}, context);
    if (!answer || answer->status != 200) {
        throw Error(ErrorCode::Transient, std::string(kWhat) + ": no answer for role " + role +
                                              (answer ? ": status " + std::to_string(answer->status) : ""));
    }
    const std::string code = jsonMember(answer->body, "Code");
    if (!code.empty() && code != "Success") {
        throw Error(ErrorCode::Denied, std::string(kWhat) + ": role " + role + " has no credentials: " + code);
    }
    return credentialsFromJson(Secret(std::move(answer->body)), "Token", kWhat);
}

}  // namespace litestream::s3
