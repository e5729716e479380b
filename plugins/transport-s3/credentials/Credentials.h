#pragma once

#include "../base/Wire.h"
#include "http/Environment.h"

#include <litestream/Call.h>
#include <litestream/Options.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace litestream::s3 {

using WallTime = std::chrono::system_clock::time_point;

/// Who signs. The access key id is no secret but is not printed either.
struct Credentials {
    std::string accessKeyId;
    Secret secretAccessKey;
    Secret sessionToken;              ///< empty for lasting credentials
    std::optional<WallTime> expires;  ///< absent = never
};

/// Gives out credentials that are valid, as far as one knows here. Thread-safe.
class CredentialProvider {
public:
    virtual ~CredentialProvider() = default;

    /// Blocks only when credentials have to be fetched, and keeps to `context`. Error(Denied), naming the remedy, when
    /// there are none; Error(Transient) when the service that has them fails.
    virtual Credentials get(const CallContext& context) = 0;

    /// The store refused these as expired, whatever the local clock says. True if get() may give others now; it does
    /// not block.
    virtual bool reject(const Credentials& refused) = 0;
};

/// Those of the options access-key-id, secret-access-key and session-token; absent when none is given. Throws
/// Error(InvalidArgument), naming the one that is missing beside another.
std::optional<Credentials> givenCredentials(const OptionValues& options);

/// Credentials that were given, for ever.
std::shared_ptr<CredentialProvider> staticCredentials(Credentials credentials);

/// Looks, in this order: environment, web identity, shared AWS files, container endpoint, instance metadata. What was
/// found is kept until five minutes before it expires, until the store refuses it, or until a file that it came from changes.
std::shared_ptr<CredentialProvider> credentialChain(std::shared_ptr<Http> http);

}  // namespace litestream::s3
