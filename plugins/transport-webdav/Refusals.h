#pragma once

#include "http/Http.h"

#include <litestream/Error.h>

#include <string>

namespace litestream::webdav {

/// The Error that an answer becomes which is no success: "put KEY: refused (status 507). Remedy."
/// `path` is the request's, encoded; `hasUser` whether somebody was to be logged in.
Error errorOf(const http::Response& response, const std::string& operation, const std::string& path, bool hasUser);

}  // namespace litestream::webdav
