#pragma once

#include "CredentialSource.h"

#include <utility>

namespace litestream::s3 {

/// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, their old names AWS_ACCESS_KEY and AWS_SECRET_KEY, and
/// AWS_SESSION_TOKEN. LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY stand in for a variable of the first
/// pair that is not set at all; set to nothing, it hides them. Half a pair is none.
class EnvironmentCredentials final : public CredentialSource {
public:
    explicit EnvironmentCredentials(Environment environment) : environment_(std::move(environment)) {}

    std::optional<Credentials> fetch(const CallContext& context) override;

private:
    std::string variable(const char* name, const char* standIn, const char* oldName) const;

    const Environment environment_;
};

}  // namespace litestream::s3
