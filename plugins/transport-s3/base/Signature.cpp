#include "Signature.h"

#include "http/Digest.h"
#include "../base/Endpoint.h"

#include <algorithm>
#include <ctime>

namespace litestream::s3 {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

/// Without blanks at both ends; runs of blanks inside become one.
std::string canonicalValue(std::string_view value) {
    std::string canonical;
    for (const char c : value) {
        const bool isBlank = c == ' ' || c == '\t';
        if (isBlank && (canonical.empty() || canonical.back() == ' ')) continue;
        canonical += isBlank ? ' ' : c;
    }
    if (canonical.ends_with(' ')) canonical.pop_back();
    return canonical;
}

std::string_view viewOf(const Sha256& bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string amzDate(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

Secret Signer::signingKey(std::string_view day, std::string_view region, const Secret& secretAccessKey) {
    std::lock_guard lock(mutex_);
    if (day != day_ || region != region_ || secretAccessKey.reveal() != secret_.reveal()) {
        Sha256 key = hmacSha256("AWS4" + secretAccessKey.reveal(), day);
        for (const std::string_view part : {region, std::string_view(service_), std::string_view("aws4_request")}) {
            key = hmacSha256(viewOf(key), part);
        }
        day_ = day;
        region_ = region;
        secret_ = secretAccessKey;
        key_ = Secret(std::string(viewOf(key)));
    }
    return key_;
}

std::string Signer::authorization(const Signable& request, std::string_view date, std::string_view region,
                                  std::string_view accessKeyId, const Secret& secretAccessKey) {
    Headers headers;
    for (const auto& [name, value] : request.headers) headers.emplace_back(lowerCase(name), canonicalValue(value));
    std::sort(headers.begin(), headers.end());

    std::string names;
    std::string canonical;
    canonical.append(request.method).append("\n").append(request.path).append("\n").append(request.query).append("\n");
    for (const auto& [name, value] : headers) {
        canonical.append(name).append(":").append(value).append("\n");
        names.append(names.empty() ? "" : ";").append(name);
    }
    canonical.append("\n").append(names).append("\n").append(request.payloadHash);

    const std::string_view day = date.substr(0, 8);
    std::string scope(day);
    scope.append("/").append(region).append("/").append(service_).append("/aws4_request");
    std::string text(kAlgorithm);
    text.append("\n").append(date).append("\n").append(scope).append("\n").append(sha256Hex(bytesOf(canonical)));
    const Secret key = signingKey(day, region, secretAccessKey);
    const std::string signature = hex(hmacSha256(key.reveal(), text));

    std::string value(kAlgorithm);
    value.append(" Credential=").append(accessKeyId).append("/").append(scope);
    value.append(",SignedHeaders=").append(names).append(",Signature=").append(signature);
    return value;
}

}  // namespace litestream::s3
