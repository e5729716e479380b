#include "WebIdentityCredentials.h"

#include "../base/TextFile.h"

namespace litestream::s3 {

std::optional<Credentials> WebIdentityCredentials::fetch(const CallContext& context) {
    const std::string file = firstOf(environment_, {"AWS_WEB_IDENTITY_TOKEN_FILE"});
    const Role role{firstOf(environment_, {"AWS_ROLE_ARN"}), firstOf(environment_, {"AWS_ROLE_SESSION_NAME"}), "", "",
                    ""};
    if (file.empty() || role.arn.empty()) return std::nullopt;
    return sts_.assumeRoleWithWebIdentity(role, readSecretFile(file, "AWS_WEB_IDENTITY_TOKEN_FILE"), context);
}

}  // namespace litestream::s3
