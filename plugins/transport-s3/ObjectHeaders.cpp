#include "ObjectHeaders.h"

#include "ObjectTime.h"

namespace litestream::s3 {

Headers keyHeaders(const Settings& settings) {
    if (!settings.customerKey) return {};
    const std::string prefix = "x-amz-server-side-encryption-customer-";
    return {{prefix + "algorithm", settings.customerKey->algorithm},
            {prefix + "key", settings.customerKey->key.reveal()},
            {prefix + "key-MD5", settings.customerKey->keyMd5}};
}

Headers objectHeaders(const Settings& settings, Timestamp timestamp) {
    Headers headers = keyHeaders(settings);
    headers.emplace_back("Content-Type", "application/octet-stream");
    headers.emplace_back(kTimestampHeader, formatTimestamp(timestamp));
    if (!settings.storageClass.empty()) headers.emplace_back("x-amz-storage-class", settings.storageClass);
    if (!settings.kmsKeyId.empty()) {
        headers.emplace_back("x-amz-server-side-encryption", "aws:kms");
        headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", settings.kmsKeyId);
    }
    return headers;
}

}  // namespace litestream::s3
