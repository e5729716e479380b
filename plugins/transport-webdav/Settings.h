#pragma once

#include "http/Origin.h"

#include <litestream/Options.h>
#include <litestream/Secret.h>

#include <string>
#include <string_view>
#include <vector>

namespace litestream::webdav {

/// upstream's keys, and skip-verify of our own.
inline constexpr OptionSpec kOptions[] = {
    {"webdav-url", OptionType::String, "", "URL of a folder on a WebDAV server, http:// or https://", true},
    {"webdav-username", OptionType::String, "", "user to log in as; without it requests are anonymous", false},
    {"webdav-password", OptionType::Secret, "", "password of webdav-username", false},
    {"path", OptionType::String, "", "folder of the replica below webdav-url", false},
    {"skip-verify", OptionType::Boolean, "false", "accept any TLS certificate; for tests", false},
};

/// Where a replica is and how to get there.
struct Settings {
    http::Origin origin;
    http::TlsPolicy tls;
    std::string
        root;  ///< the replica's folder, encoded as in a request; a slash at its beginning, none at its end, "" = the server's own root
    std::string username;
    Secret password;
    std::string path;  ///< as configured, for people
};

/// Throws Error(InvalidArgument), naming the option, for what makes no sense.
Settings settingsFrom(const OptionValues& options);

/// The options that a replica URL stands for: webdav[s]://[USER[:PASSWORD]@]HOST[:PORT]/PATH. Names of query parameters other than
/// skip-verify, which mean nothing, are added to `unknown`. Throws Error(InvalidArgument) without showing a password.
OptionValues optionsOfUrl(std::string_view url, std::vector<std::string>& unknown);

}  // namespace litestream::webdav
