#pragma once

#include "../base/Endpoint.h"

#include <litestream/Options.h>

#include <optional>
#include <string>

namespace litestream::s3 {

/// A key of the customer's own, with which the store encrypts objects (SSE-C).
struct CustomerKey {
    std::string algorithm;  ///< AES256
    Secret key;             ///< 32 bytes in base64, as a header takes it
    std::string keyMd5;     ///< of the 32 bytes, in base64
};

/// Reads the sse-customer options and the key file, if one is named. Absent when no key is given. Throws
/// Error(InvalidArgument) for a key that is none, for an MD5 that does not fit, and when `origin` would get the key
/// over plain http across a public network; the class of a failed system call when the key file cannot be read.
std::optional<CustomerKey> customerKeyFrom(const OptionValues& options, const Origin& origin);

}  // namespace litestream::s3
