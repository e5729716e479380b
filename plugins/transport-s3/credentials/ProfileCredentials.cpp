#include "ProfileCredentials.h"

#include "../base/TextFile.h"
#include "CredentialProcess.h"

#include <litestream/Error.h>

namespace litestream::s3 {

namespace {

std::string settingOf(const Profile& profile, std::string_view name) {
    const auto found = profile.find(name);
    return found == profile.end() ? std::string() : found->second;
}

bool usesSso(const Profile& profile) {
    return profile.contains("sso_session") || profile.contains("sso_start_url");
}

/// Absent when the profile has no keys.
std::optional<Credentials> staticKeys(const Profile& profile, const std::string& name) {
    Credentials keys{settingOf(profile, "aws_access_key_id"), Secret(settingOf(profile, "aws_secret_access_key")),
                     Secret(settingOf(profile, "aws_session_token")), std::nullopt};
    if (keys.accessKeyId.empty() && keys.secretAccessKey.empty()) return std::nullopt;
    if (keys.accessKeyId.empty() || keys.secretAccessKey.empty()) {
        throw Error(ErrorCode::Denied, "aws profile \"" + name + "\": " +
                                           (keys.accessKeyId.empty() ? "aws_access_key_id" : "aws_secret_access_key") +
                                           " is missing");
    }
    return keys;
}

}  // namespace

/// Follows a profile through its sources.
class ProfileCredentials::Resolution {
public:
    Resolution(const ProfileCredentials& owner, const Profiles& profiles, const CallContext& context)
        : owner_(owner), profiles_(profiles), context_(context) {}

    /// Absent when the profile holds nothing that could be credentials.
    std::optional<Credentials> resolve(const std::string& name) {
        const Profile* profile = profiles_.find(name);
        if (profile == nullptr) fail(name, "is not in " + profiles_.files());
        if (!visited_.insert(name).second) fail(name, "is its own source_profile, through others");
        const std::string arn = settingOf(*profile, "role_arn");
        if (!arn.empty()) return assume(name, *profile, arn);
        return plain(name, *profile);
    }

private:
    [[noreturn]] static void fail(const std::string& name, const std::string& why) {
        throw Error(ErrorCode::Denied, "aws profile \"" + name + "\": " + why);
    }

    std::optional<Credentials> plain(const std::string& name, const Profile& profile) {
        if (auto keys = staticKeys(profile, name)) return keys;
        if (const std::string command = settingOf(profile, "credential_process"); !command.empty()) {
            return runCredentialProcess(command, context_);
        }
        if (usesSso(profile)) {
            fail(name,
                 "uses single sign-on, which is not supported. Let the AWS command line do it: credential_process = "
                 "aws configure "
                 "export-credentials --profile " +
                     name + " in a profile of its own");
        }
        return std::nullopt;
    }

    Credentials assume(const std::string& name, const Profile& profile, const std::string& arn) {
        if (profile.contains("mfa_serial")) fail(name, "mfa_serial asks for a person, which a service has not");
        const Role role{arn, settingOf(profile, "role_session_name"), settingOf(profile, "external_id"),
                        settingOf(profile, "duration_seconds"), settingOf(profile, "region")};
        if (const std::string file = settingOf(profile, "web_identity_token_file"); !file.empty()) {
            return owner_.sts_.assumeRoleWithWebIdentity(role, readSecretFile(file, "web_identity_token_file"),
                                                         context_);
        }
        const auto base = sourceOf(name, profile);
        if (!base) fail(name, "has a role_arn, and its source has no credentials");
        return owner_.sts_.assumeRole(role, *base, context_);
    }

    std::optional<Credentials> sourceOf(const std::string& name, const Profile& profile) {
        const std::string source = settingOf(profile, "source_profile");
        // With itself as its source, a profile has the keys of the role's user beside the role.
        if (source == name) return staticKeys(profile, name);
        if (!source.empty()) return resolve(source);
        const std::string kind = settingOf(profile, "credential_source");
        if (kind.empty()) fail(name, "has a role_arn, but neither source_profile nor credential_source");
        const auto named = owner_.named_.find(kind);
        if (named == owner_.named_.end()) {
            fail(name, "credential_source \"" + kind + "\": wanted Environment, EcsContainer or Ec2InstanceMetadata");
        }
        return named->second->fetch(context_);
    }

    const ProfileCredentials& owner_;
    const Profiles& profiles_;
    const CallContext& context_;
    std::set<std::string> visited_;
};

std::optional<Credentials> ProfileCredentials::fetch(const CallContext& context) {
    stamp_ = Profiles::stampOf(environment_);
    const Profiles profiles(environment_);
    const std::string wanted = firstOf(environment_, {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"});
    if (wanted.empty() && profiles.find("default") == nullptr) return std::nullopt;
    return Resolution(*this, profiles, context).resolve(wanted.empty() ? "default" : wanted);
}

bool ProfileCredentials::changed() {
    return Profiles::stampOf(environment_) != stamp_;
}

}  // namespace litestream::s3
