#include "CredentialText.h"

#include <litestream/Error.h>

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

namespace litestream::s3 {

namespace {

Poco::JSON::Object::Ptr objectFrom(const std::string& json) {
    try {
        Poco::JSON::Parser parser;
        const Poco::Dynamic::Var result = parser.parse(json);
        if (result.type() == typeid(Poco::JSON::Object::Ptr)) return result.extract<Poco::JSON::Object::Ptr>();
    } catch (const Poco::Exception&) {
        // What it says quotes the text.
    }
    return nullptr;
}

std::string member(const Poco::JSON::Object& object, const std::string& name) {
    try {
        return object.isNull(name) ? std::string() : object.getValue<std::string>(name);
    } catch (const Poco::Exception&) {
        return {};
    }
}

}  // namespace

std::string jsonMember(const std::string& json, const std::string& name) {
    const auto object = objectFrom(json);
    return object ? member(*object, name) : std::string();
}

WallTime parseExpiry(const std::string& text, std::string_view what) {
    Poco::DateTime time;
    int zone = 0;
    // The parser alone takes anything for a time.
    const bool looksLikeOne = text.size() >= 20 && text.find_first_not_of("0123456789-:T.Z+") == std::string::npos;
    if (!looksLikeOne || !Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::ISO8601_FRAC_FORMAT, text, time, zone)) {
        throw Error(ErrorCode::Denied, std::string(what) + ": expiration is no time");
    }
    time.makeUTC(zone);
    return WallTime(std::chrono::microseconds(time.timestamp().epochMicroseconds()));
}

Credentials credentialsFromJson(const Secret& json, const std::string& tokenName, std::string_view what) {
    const auto object = objectFrom(json.reveal());
    if (!object) throw Error(ErrorCode::Denied, std::string(what) + ": answered no JSON object");
    Credentials credentials{member(*object, "AccessKeyId"), Secret(member(*object, "SecretAccessKey")),
                            Secret(member(*object, tokenName)), std::nullopt};
    if (credentials.accessKeyId.empty() || credentials.secretAccessKey.empty()) {
        throw Error(ErrorCode::Denied, std::string(what) + ": answered without " +
                                           (credentials.accessKeyId.empty() ? "AccessKeyId" : "SecretAccessKey"));
    }
    const std::string expiration = member(*object, "Expiration");
    if (!expiration.empty()) credentials.expires = parseExpiry(expiration, what);
    return credentials;
}

}  // namespace litestream::s3
