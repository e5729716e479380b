#pragma once

#include "CredentialSource.h"
#include "Documents.h"

#include <utility>

namespace litestream::s3 {

/// The endpoint that ECS, EKS and others give a container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with
/// AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN.
class ContainerCredentials final : public CredentialSource {
public:
    /// `documents` outlives this object.
    ContainerCredentials(Environment environment, Documents& documents)
        : environment_(std::move(environment)), documents_(documents) {}

    std::optional<Credentials> fetch(const CallContext& context) override;

private:
    std::string url() const;
    Secret token() const;

    const Environment environment_;
    Documents& documents_;
};

}  // namespace litestream::s3
