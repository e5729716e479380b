#pragma once

#include "CredentialSource.h"
#include "Sts.h"

#include <utility>

namespace litestream::s3 {

/// The role AWS_ROLE_ARN, assumed with the token in the file AWS_WEB_IDENTITY_TOKEN_FILE. The file is read each time:
/// whoever writes it renews it.
class WebIdentityCredentials final : public CredentialSource {
public:
    /// `sts` outlives this object.
    WebIdentityCredentials(Environment environment, const Sts& sts) : environment_(std::move(environment)), sts_(sts) {}

    std::optional<Credentials> fetch(const CallContext& context) override;

private:
    const Environment environment_;
    const Sts& sts_;
};

}  // namespace litestream::s3
