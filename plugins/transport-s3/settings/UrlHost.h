#pragma once

#include <string>
#include <string_view>

namespace litestream::s3 {

/// What the host of a replica URL stands for.
struct UrlHost {
    std::string bucket;    ///< as written; "" when the host names none
    std::string region;    ///< "" when the host does not tell
    std::string endpoint;  ///< "" for AWS
    bool virtualHost =
        false;  ///< buckets of this endpoint are addressed as host names unless something else is asked for
};

/// Reads the authority of an s3 URL, without user information: the union of what both generations of upstream
/// recognise. An address alone names no bucket.
UrlHost readUrlHost(std::string_view authority);

}  // namespace litestream::s3
