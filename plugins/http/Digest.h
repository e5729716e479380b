#pragma once

#include <litestream/Types.h>

#include <array>
#include <string>
#include <string_view>

namespace litestream::http {

using Sha256 = std::array<unsigned char, 32>;

inline ConstBytes bytesOf(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

Sha256 sha256(ConstBytes bytes);
Sha256 hmacSha256(std::string_view key, std::string_view text);
std::string hex(std::span<const unsigned char> bytes);
std::string base64(std::span<const unsigned char> bytes);

inline std::string sha256Hex(ConstBytes bytes) { return hex(sha256(bytes)); }

/// The value of Content-MD5.
std::string md5Base64(ConstBytes bytes);

}  // namespace litestream::http
