#pragma once

#include "../base/Wire.h"
#include "http/Environment.h"
#include "IniFile.h"

#include <string>

namespace litestream::s3 {

using Profile = std::map<std::string, std::string, std::less<>>;

/// The profiles of the shared AWS files. A value, as they were when it was read.
class Profiles {
public:
    /// Reads AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, or ~/.aws/credentials and ~/.aws/config. A file that does
    /// not exist has no profiles; throws what reading another one throws.
    explicit Profiles(const Environment& environment);

    /// Null when there is no such profile. Settings of the credentials file win over those of the other one.
    const Profile* find(const std::string& name) const;

    /// "FILE and FILE", for messages.
    const std::string& files() const noexcept { return files_; }

    /// Sizes and modification times of both files now: another text means that they changed.
    static std::string stampOf(const Environment& environment);

private:
    std::map<std::string, Profile, std::less<>> profiles_;
    std::string files_;
};

}  // namespace litestream::s3
