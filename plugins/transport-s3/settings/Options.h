#pragma once

#include <litestream/Options.h>

namespace litestream::s3 {

/// The options of the plugin: upstream's keys, and four of our own (conditional-put, session-token, sse-customer-key-md5,
/// url-endpoint). No default where the default depends on the provider.
inline constexpr OptionSpec kOptions[] = {
    {"bucket", OptionType::String, "", "bucket, or the ARN of an access point", false},
    {"path", OptionType::String, "", "what the keys of all objects begin with, without a slash at its end", false},
    {"region", OptionType::String, "",
     "region to sign for; default us-east-1 with an endpoint, a Space's own region, else what AWS says of the bucket",
     false},
    {"endpoint", OptionType::String, "", "host or URL of a store other than AWS; https unless it says http://", false},
    {"access-key-id", OptionType::Secret, "", "access key; without it the environment and the AWS files are looked at",
     false},
    {"secret-access-key", OptionType::Secret, "", "secret key that belongs to access-key-id", false},
    {"session-token", OptionType::Secret, "", "session token, when the two keys are temporary", false},
    {"force-path-style", OptionType::Boolean, "",
     "bucket in the path of a request instead of the host name; default true when endpoint is given", false},
    {"skip-verify", OptionType::Boolean, "false", "accept any TLS certificate; for tests", false},
    {"sign-payload", OptionType::Boolean, "true", "sign the content of requests, not their headers only", false},
    {"require-content-md5", OptionType::Boolean, "",
     "send Content-MD5 with uploads and deletions; default true, false for Tigris", false},
    {"conditional-put", OptionType::Boolean, "true",
     "let the store refuse to replace what another writer has put; false for stores that ignore If-None-Match", false},
    {"storage-class", OptionType::String, "", "storage class of uploaded objects; default is the bucket's", false},
    {"part-size", OptionType::Size, "5MiB", "bytes of one part of a multipart upload, at least 5MiB", false},
    {"concurrency", OptionType::Integer, "", "parts and requests at a time; default 5, 2 for Cloudflare R2", false},
    {"sse-customer-algorithm", OptionType::String, "AES256", "algorithm of sse-customer-key; only AES256", false},
    {"sse-customer-key", OptionType::Secret, "", "key for encryption by the store (SSE-C): 32 bytes in base64", false},
    {"sse-customer-key-path", OptionType::Path, "", "file that holds the key; wins over sse-customer-key", false},
    {"sse-customer-key-md5", OptionType::String, "", "MD5 of the key's bytes in base64, to check the key against",
     false},
    {"sse-kms-key-id", OptionType::String, "", "KMS key for encryption by the store (SSE-KMS)", false},
    {"url-endpoint", OptionType::String, "",
     "set by a URL whose host name is a bucket of this endpoint; no use in a configuration", false},
};

}  // namespace litestream::s3
