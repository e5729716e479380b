#pragma once

#include "Settings.h"
#include "http/Http.h"

#include <litestream/Plugin.h>
#include <litestream/Transport.h>

#include <memory>

namespace litestream::webdav {

/// A replica in a folder of a WebDAV server. `host` outlives it.
std::unique_ptr<Transport> makeTransport(Settings settings, std::shared_ptr<http::Http> http, Host& host);

}  // namespace litestream::webdav
