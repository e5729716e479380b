#pragma once

#include "Wire.h"
#include "http/Http.h"

#include <litestream/Secret.h>

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

namespace litestream::s3 {

/// What a signature covers.
struct Signable {
    std::string_view method;
    std::string_view path;   ///< encoded, as sent
    std::string_view query;  ///< encoded and sorted, as sent; without '?'
    const Headers& headers;  ///< all of them are signed: Host and x-amz-date at least
    std::string_view payloadHash;  ///< hex SHA-256 of the body, or UNSIGNED-PAYLOAD
};

/// Signs requests with AWS Signature Version 4 in the Authorization header.
/// Source: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header".
class Signer {
public:
    explicit Signer(std::string service = "s3") : service_(std::move(service)) {}

    /// The value of the Authorization header. `date` is the value of x-amz-date. Thread-safe.
    std::string authorization(const Signable& request, std::string_view date, std::string_view region,
                              std::string_view accessKeyId, const Secret& secretAccessKey);

private:
    Secret signingKey(std::string_view day, std::string_view region, const Secret& secretAccessKey);

    const std::string service_;
    std::mutex mutex_;  ///< guards the key of the day and what it was made from
    std::string day_;
    std::string region_;
    Secret secret_;
    Secret key_;
};

/// A time as x-amz-date has it: 20130524T000000Z.
std::string amzDate(std::chrono::system_clock::time_point time);

}  // namespace litestream::s3
