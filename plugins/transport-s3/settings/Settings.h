#pragma once

#include "../base/Wire.h"
#include "http/Environment.h"
#include "http/Origin.h"
#include "Encryption.h"

#include <litestream/Options.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream::s3 {

/// Bytes of the largest part. S3 takes five times as much; nobody wants that in memory.
inline constexpr std::uint64_t kMaximumPart = std::uint64_t{1} << 30;

enum class Addressing {
    Path,         ///< https://HOST/BUCKET/KEY
    VirtualHost,  ///< https://BUCKET.HOST/KEY
};

/// Where requests for a bucket go: to `origin`, with the path basePath + "/" + the encoded key.
struct Place {
    Origin origin;
    std::string basePath;  ///< encoded, "" or "/bucket" or "/storage/v1/s3/bucket"
};

/// Everything that one replica's options say, checked and with defaults filled in. A value; safe to copy.
struct Settings {
    std::string bucket;    ///< as written, or the ARN of an access point
    std::string path;      ///< as written
    std::string prefix;    ///< path + "/": upstream joins by concatenation, so keys may begin with "./" or "/"
    std::string region;    ///< to sign for; "" (without an endpoint only) = ask AWS
    std::string endpoint;  ///< as written, "" = AWS
    Origin origin;         ///< of the endpoint; unused without one
    std::string originPath;
    bool hasEndpoint = false;
    Addressing addressing = Addressing::VirtualHost;
    TlsPolicy tls;
    bool signPayload = true;
    bool contentMd5 = true;
    bool conditionalPut = true;  ///< the store keeps to If-None-Match: *
    std::string storageClass;
    std::uint64_t partSize = 0;  ///< bytes, at least 5 MiB
    unsigned concurrency = 0;    ///< at least 1
    std::optional<CustomerKey> customerKey;
    std::string kmsKeyId;
    std::vector<std::pair<std::string, std::string>> extraHeaders;  ///< go with every request
    std::vector<std::string> warnings;                              ///< for the log, once

    bool knowsRegion() const noexcept { return !region.empty(); }

    /// Where requests go when the bucket is in `region`, which only matters without an endpoint.
    Place place(std::string_view inRegion) const;

    /// bucket, path, region, endpoint: the order of upstream's log line.
    std::vector<std::pair<std::string, std::string>> describe() const;
};

/// All validation of a replica's options. AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL stand in for a missing endpoint.
/// Throws Error(InvalidArgument), and what reading a key file throws. Credentials are not its business.
Settings settingsFrom(const OptionValues& options, const Environment& environment = processEnvironment());

}  // namespace litestream::s3
