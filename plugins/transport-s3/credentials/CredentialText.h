#pragma once

#include "Credentials.h"

#include <string>
#include <string_view>

namespace litestream::s3 {

/// Credentials in the JSON that containers, instances and programs give: AccessKeyId, SecretAccessKey, a session token
/// under the name `tokenName`, and Expiration, the last two optional. Throws Error(Denied), naming `what` and what is
/// missing; never the text.
Credentials credentialsFromJson(const Secret& json, const std::string& tokenName, std::string_view what);

/// Reads "2026-01-02T03:04:05Z", also with a fraction. Throws Error(Denied), naming `what`.
WallTime parseExpiry(const std::string& text, std::string_view what);

/// A member of a JSON object as text; "" when it is missing or the text is no JSON object.
std::string jsonMember(const std::string& json, const std::string& name);

}  // namespace litestream::s3
