#pragma once

#include "CachedCredentials.h"
#include "Documents.h"

#include <memory>

namespace litestream::s3 {

/// The chain of Credentials.h over any network, environment and clock.
std::shared_ptr<CredentialProvider> makeChain(Environment environment, std::unique_ptr<Documents> documents,
                                              CachedCredentials::Clock clock);

}  // namespace litestream::s3
