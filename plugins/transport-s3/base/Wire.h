#pragma once

/// The generic half of the wire (plugins/http), whose names this plugin uses as its own.
namespace litestream::http {
class Http;
}
namespace litestream::s3 {
using namespace http;
}
