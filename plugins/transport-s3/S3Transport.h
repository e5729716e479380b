#pragma once

#include "credentials/Credentials.h"
#include "base/Wire.h"
#include "http/Http.h"
#include "settings/Settings.h"

#include <litestream/Plugin.h>

#include <memory>

namespace litestream::s3 {

/// A transport to the bucket that `settings` name. It makes no request before the first call.
std::unique_ptr<Transport> makeTransport(Settings settings, std::shared_ptr<CredentialProvider> credentials, std::shared_ptr<Http> http,
                                         Host& host);

}  // namespace litestream::s3
