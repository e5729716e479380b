#pragma once

#include "CredentialSource.h"
#include "Documents.h"

#include <utility>

namespace litestream::s3 {

/// The metadata service of an EC2 instance, version 2, and version 1 where the service knows no session tokens. Off
/// with AWS_EC2_METADATA_DISABLED=true. A machine that has no such service has no credentials here; that takes a second
/// to learn.
class InstanceCredentials final : public CredentialSource {
public:
    /// `documents` outlives this object.
    InstanceCredentials(Environment environment, Documents& documents)
        : environment_(std::move(environment)), documents_(documents) {}

    std::optional<Credentials> fetch(const CallContext& context) override;

private:
    std::string endpoint() const;
    std::optional<Document> ask(const DocumentRequest& request, const CallContext& context) const;

    const Environment environment_;
    Documents& documents_;
};

}  // namespace litestream::s3
