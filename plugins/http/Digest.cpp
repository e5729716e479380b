#include "Digest.h"

#include <litestream/Error.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

namespace litestream::http {

namespace {

struct FreeDigest {
    void operator()(EVP_MD* digest) const noexcept { EVP_MD_free(digest); }
};
using Digest = std::unique_ptr<EVP_MD, FreeDigest>;

/// Fetched once: a look-up by name at each call costs more than the hash of a small body.
Digest fetch(const char* name) {
    Digest digest(EVP_MD_fetch(nullptr, name, nullptr));
    if (digest == nullptr) {
        throw Error(ErrorCode::Unsupported, std::string("OpenSSL does not offer ") + name +
                                                ". Allow it in the system's OpenSSL configuration");
    }
    return digest;
}

void digest(const EVP_MD* type, ConstBytes bytes, unsigned char* out) {
    if (EVP_Digest(bytes.data(), bytes.size(), out, nullptr, type, nullptr) != 1) {
        throw Error(ErrorCode::Transient, "compute a digest: OpenSSL failed");
    }
}

}  // namespace

Sha256 sha256(ConstBytes bytes) {
    static const Digest type = fetch("SHA256");
    Sha256 out;
    digest(type.get(), bytes, out.data());
    return out;
}

Sha256 hmacSha256(std::string_view key, std::string_view text) {
    Sha256 out;
    unsigned length = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
             text.size(), out.data(), &length) == nullptr) {
        throw Error(ErrorCode::Transient, "compute a signature: OpenSSL failed");
    }
    return out;
}

std::string hex(std::span<const unsigned char> bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const unsigned char byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

std::string base64(std::span<const unsigned char> bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

std::string md5Base64(ConstBytes bytes) {
    static const Digest type = fetch("MD5");
    std::array<unsigned char, 16> out;
    digest(type.get(), bytes, out.data());
    return base64(out);
}

}  // namespace litestream::http
