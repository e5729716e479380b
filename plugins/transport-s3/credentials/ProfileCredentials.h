#pragma once

#include "CredentialSource.h"
#include "Profiles.h"
#include "Sts.h"

#include <map>
#include <set>
#include <utility>

namespace litestream::s3 {

/// A profile of the shared AWS files: AWS_PROFILE, AWS_DEFAULT_PROFILE, or "default". Static keys, credential_process,
/// and roles that are assumed with the keys of a source_profile, of a credential_source, or with a web identity token.
class ProfileCredentials final : public CredentialSource {
public:
    /// What credential_source may name.
    using NamedSources = std::map<std::string, CredentialSource*, std::less<>>;

    /// `sts` and the sources outlive this object.
    ProfileCredentials(Environment environment, const Sts& sts, NamedSources named)
        : environment_(std::move(environment)), sts_(sts), named_(std::move(named)) {}

    std::optional<Credentials> fetch(const CallContext& context) override;
    bool changed() override;

private:
    class Resolution;

    const Environment environment_;
    const Sts& sts_;
    const NamedSources named_;
    std::string stamp_;  ///< of the files, before they were read
};

}  // namespace litestream::s3
