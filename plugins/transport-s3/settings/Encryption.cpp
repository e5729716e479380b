#include "Encryption.h"

#include "http/Digest.h"
#include "../base/TextFile.h"

#include <litestream/Error.h>

#include <Poco/Base64Decoder.h>
#include <Poco/Exception.h>

#include <iterator>
#include <sstream>

namespace litestream::s3 {

namespace {

constexpr std::size_t kKeyBytes = 32;

/// The bytes that `text` stands for; empty when it is not standard base64 of exactly one key.
Secret decodeKey(const Secret& text) {
    std::istringstream encoded(text.reveal());
    std::string bytes;
    try {
        Poco::Base64Decoder decoder(encoded);
        bytes.assign(std::istreambuf_iterator<char>(decoder), {});
    } catch (const Poco::Exception&) {
        return {};
    }
    Secret key(std::move(bytes));
    // The decoder skips blanks and takes missing padding; stores do not.
    const std::string& raw = key.reveal();
    if (raw.size() != kKeyBytes ||
        base64({reinterpret_cast<const unsigned char*>(raw.data()), raw.size()}) != text.reveal())
        return {};
    return key;
}

Secret givenKey(const OptionValues& options) {
    const std::string path = options.textOr("sse-customer-key-path", "");
    if (!path.empty()) return readSecretFile(path, "sse-customer-key-path");
    return options.has("sse-customer-key") ? options.secret("sse-customer-key") : Secret();
}

}  // namespace

std::optional<CustomerKey> customerKeyFrom(const OptionValues& options, const Origin& origin) {
    CustomerKey key{options.textOr("sse-customer-algorithm", "AES256"), givenKey(options), {}};
    if (key.key.empty()) {
        if (!options.textOr("sse-customer-key-path", "").empty()) {
            throw Error(ErrorCode::InvalidArgument, "sse-customer-key-path: the file is empty");
        }
        return std::nullopt;
    }
    if (!options.textOr("sse-kms-key-id", "").empty()) {
        throw Error(ErrorCode::InvalidArgument,
                    "sse-customer-key and sse-kms-key-id exclude each other. Remove one of them");
    }
    if (key.algorithm != "AES256") {
        throw Error(ErrorCode::InvalidArgument, "sse-customer-algorithm \"" + key.algorithm + "\": wanted AES256");
    }
    const Secret bytes = decodeKey(key.key);
    if (bytes.empty()) {
        throw Error(
            ErrorCode::InvalidArgument,
            "sse-customer-key: wanted standard base64 of exactly 32 bytes. Make one with: openssl rand -base64 32");
    }
    key.keyMd5 = md5Base64(bytesOf(bytes.reveal()));
    const std::string expected = options.textOr("sse-customer-key-md5", "");
    if (!expected.empty() && expected != key.keyMd5) {
        throw Error(ErrorCode::InvalidArgument, "sse-customer-key-md5: the key has another MD5");
    }
    if (!origin.tls && !isPrivateHost(origin.host)) {
        throw Error(ErrorCode::InvalidArgument, "sse-customer-key: endpoint http://" + origin.host +
                                                    " would get the key unencrypted. Use an https endpoint");
    }
    return key;
}

}  // namespace litestream::s3
