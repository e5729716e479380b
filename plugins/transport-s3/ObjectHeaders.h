#pragma once

#include "base/Wire.h"
#include "http/Http.h"
#include "settings/Settings.h"

#include <litestream/Types.h>

namespace litestream::s3 {

/// The metadata header that upstream keeps an object's timestamp in.
inline constexpr const char* kTimestampHeader = "x-amz-meta-litestream-timestamp";

/// What reads and writes of a customer-encrypted object must carry; empty without a key.
Headers keyHeaders(const Settings& settings);

/// What PutObject and CreateMultipartUpload carry: content type, timestamp, storage class, encryption.
Headers objectHeaders(const Settings& settings, Timestamp timestamp);

}  // namespace litestream::s3
