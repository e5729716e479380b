#include "Client.h"

#include "http/Digest.h"
#include "http/Encode.h"
#include "http/HttpTime.h"

#include <litestream/Error.h>

#include <algorithm>
#include <cstdlib>

namespace litestream::s3 {

namespace {

constexpr const char* kUnsigned = "UNSIGNED-PAYLOAD";
/// Where AWS answers questions about any bucket.
constexpr const char* kHomeRegion = "us-east-1";
/// Stores accept a quarter of an hour; what is below this is no reason to sign with another clock.
constexpr std::int64_t kTolerableSeconds = 60;

/// Other temporary credentials may do. A HEAD is refused without a code.
bool isOfToken(const Refusal& refusal, const Credentials& credentials) {
    if (credentials.sessionToken.empty()) return false;
    return refusal.code == "ExpiredToken" || refusal.code == "InvalidToken" || refusal.code == "TokenRefreshRequired" ||
           (refusal.code.empty() && refusal.region.empty() && refusal.status == 400);
}

/// Encoded and in the order that a signature wants.
std::string canonicalQuery(const std::vector<std::pair<std::string, std::string>>& items) {
    std::vector<std::pair<std::string, std::string>> encoded;
    for (const auto& [name, value] : items) encoded.emplace_back(percentEncode(name, false), percentEncode(value, false));
    std::sort(encoded.begin(), encoded.end());
    std::string query;
    for (const auto& [name, value] : encoded) query.append(query.empty() ? "" : "&").append(name).append("=").append(value);
    return query;
}

}  // namespace

Client::Client(Settings settings, std::shared_ptr<CredentialProvider> credentials, std::shared_ptr<Http> http, Host& host)
    : settings_(std::move(settings)), credentials_(std::move(credentials)), http_(std::move(http)), host_(host), region_(settings_.region) {}

Response Client::send(const ApiCall& call, const CallContext& context, MutableBytes sink) {
    context.check(call.operation.c_str());
    try {
        const bool plain = !call.body.empty() && !settings_.signPayload;
        const std::string payloadHash = plain ? kUnsigned : sha256Hex(call.body);
        bool regionAdopted = false;
        bool timeAdopted = false;
        for (;;) {
            const std::string used = region(context);
            const std::int64_t offset = clockOffset_;
            Response response = attempt(call, used, payloadHash, context, sink);
            if (response.succeeded() || response.status == call.accepted) return response;
            const Refusal refusal = readRefusal(response);
            if (!std::exchange(regionAdopted, true) && adoptRegion(refusal, used)) continue;
            if (!std::exchange(timeAdopted, true) && adoptTime(refusal, response, offset)) continue;
            Error error = errorOf(refusal, {call.operation, settings_.bucket, call.permission, clockDifference(response)});
            if (const auto wait = retryAfterOf(response)) error.retryAfter(*wait);
            throw error;
        }
    } catch (const Error& error) {
        if (std::string_view(error.what()).starts_with(call.operation)) throw;
        throw error.within(call.operation);
    }
}

Response Client::attempt(const ApiCall& call, const std::string& region, const std::string& payloadHash, const CallContext& context,
                         MutableBytes sink) {
    const Credentials credentials = credentials_->get(context);
    Response response = attempt(call, region, payloadHash, credentials, context, sink);
    if (response.succeeded() || response.status == call.accepted) return response;
    const Refusal refusal = readRefusal(response);
    if (!isOfToken(refusal, credentials) || !credentials_->reject(credentials)) return response;
    host_.log(LogLevel::Warning, "bucket " + settings_.bucket + " takes the temporary credentials no more" +
                                     (refusal.code.empty() ? "" : " (" + refusal.code + ")") + ": asking for new ones");
    return attempt(call, region, payloadHash, credentials_->get(context), context, sink);
}

Response Client::attempt(const ApiCall& call, const std::string& region, const std::string& payloadHash, const Credentials& credentials,
                         const CallContext& context, MutableBytes sink) {
    const Place place = settings_.place(region);
    const std::string path = call.key.empty() ? (place.basePath.empty() ? "/" : place.basePath)
                                              : place.basePath + "/" + percentEncode(settings_.prefix + call.key, true);
    const std::string query = canonicalQuery(call.query);
    const std::string date = amzDate(std::chrono::system_clock::now() + std::chrono::seconds(clockOffset_.load()));

    Request request{.method = call.method, .target = query.empty() ? path : path + "?" + query, .headers = {}, .body = call.body,
                    .patience = call.patience};
    Headers& headers = request.headers;
    headers = {{"Host", authority(place.origin)}, {"x-amz-content-sha256", payloadHash}, {"x-amz-date", date}};
    if (!credentials.sessionToken.empty()) headers.emplace_back("x-amz-security-token", credentials.sessionToken.reveal());
    headers.insert(headers.end(), settings_.extraHeaders.begin(), settings_.extraHeaders.end());
    headers.insert(headers.end(), call.headers.begin(), call.headers.end());
    headers.emplace_back("Authorization", signer_.authorization({call.method, path, query, headers, payloadHash}, date, region,
                                                                credentials.accessKeyId, credentials.secretAccessKey));
    return http_->exchange(place.origin, settings_.tls, request, context, sink);
}

std::string Client::region(const CallContext& context) {
    {
        std::lock_guard lock(mutex_);
        if (!region_.empty()) return region_;
    }
    // Outside the lock: it may take long. Two who ask at once get the same answer.
    const std::string found = lookUpRegion(context);
    std::lock_guard lock(mutex_);
    region_ = found;
    return found;
}

std::string Client::lookUpRegion(const CallContext& context) {
    const ApiCall call{.operation = "look up the region of bucket " + settings_.bucket, .permission = "s3:GetBucketLocation",
                       .method = "GET", .query = {{"location", ""}}};
    const Response response = attempt(call, kHomeRegion, sha256Hex({}), context, {});
    if (response.succeeded()) return readLocation(response.body, call.operation);
    const Refusal refusal = readRefusal(response);
    // AWS says it also to those who may not ask.
    if (!refusal.region.empty()) return refusal.region;
    Error error = errorOf(refusal, {call.operation, settings_.bucket, call.permission, clockDifference(response)});
    if (refusal.code == "AccessDenied") error = Error(error.code(), std::string(error.what()) + ", or set its region");
    throw error;
}

bool Client::adoptRegion(const Refusal& refusal, const std::string& used) {
    if (refusal.region.empty() || refusal.region == used) return false;
    const bool isHint = refusal.status == 301 || refusal.status == 307 || refusal.code == "AuthorizationHeaderMalformed";
    if (!isHint) return false;
    host_.log(LogLevel::Warning, "bucket " + settings_.bucket + " is in region " + refusal.region + ", not " + used + ": using that");
    std::lock_guard lock(mutex_);
    region_ = refusal.region;
    return true;
}

std::chrono::seconds Client::clockDifference(const Response& response) const {
    const auto date = parseHttpDate(std::string(response.header("Date")));
    if (!date) return std::chrono::seconds(0);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::seconds(date->milliseconds / 1000) - std::chrono::duration_cast<std::chrono::seconds>(now);
}

/// `used` is the offset that the request was signed with: another thread may have corrected it meanwhile.
bool Client::adoptTime(const Refusal& refusal, const Response& response, std::int64_t used) {
    // A HEAD is refused without a code.
    const bool maybeSkewed = refusal.code == "RequestTimeTooSkewed" || refusal.code == "RequestExpired" ||
                             (refusal.code.empty() && refusal.status == 403);
    const std::int64_t difference = clockDifference(response).count();
    if (!maybeSkewed || std::abs(difference - used) <= kTolerableSeconds) return false;
    if (std::abs(clockOffset_.exchange(difference) - difference) <= kTolerableSeconds) return true;
    host_.log(LogLevel::Warning, "this machine's clock differs by " + std::to_string(std::abs(difference)) +
                                     "s from the clock of bucket " + settings_.bucket + ": requests are signed with the store's time");
    return true;
}

}  // namespace litestream::s3
