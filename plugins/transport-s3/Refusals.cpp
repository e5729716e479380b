#include "Refusals.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace litestream::s3 {

namespace {

struct KnownCode {
    std::string_view code;
    ErrorCode meaning;
    std::string_view remedy;  ///< %B bucket, %P permission, %T difference of the clocks
};

/// Codes that say more than their status. Source: "List of error codes" of the Amazon S3 API reference, and the codes that the AWS SDKs
/// take for throttling.
constexpr std::array kKnownCodes{
    KnownCode{"NoSuchKey", ErrorCode::NotFound, ""},
    KnownCode{"NoSuchBucket", ErrorCode::InvalidArgument, "The bucket %B does not exist. Create it or correct the name"},
    KnownCode{"NoSuchUpload", ErrorCode::Transient, ""},
    KnownCode{"InvalidBucketName", ErrorCode::InvalidArgument, "Correct the name %B"},
    KnownCode{"PreconditionFailed", ErrorCode::Conflict, ""},
    KnownCode{"ConditionalRequestConflict", ErrorCode::Conflict, ""},
    KnownCode{"OperationAborted", ErrorCode::Transient, ""},
    KnownCode{"AccessDenied", ErrorCode::Denied, "Allow the key %P on the bucket %B"},
    KnownCode{"AllAccessDisabled", ErrorCode::Denied, "The bucket %B is locked: ask its owner"},
    KnownCode{"AccountProblem", ErrorCode::Denied, "Ask the provider what is wrong with the account"},
    KnownCode{"SignatureDoesNotMatch", ErrorCode::Denied, "The secret access key does not belong to the access key id: correct it"},
    KnownCode{"InvalidAccessKeyId", ErrorCode::Denied, "The store does not know this access key id: correct it"},
    KnownCode{"ExpiredToken", ErrorCode::Denied, "The session token has expired: get new credentials"},
    KnownCode{"InvalidToken", ErrorCode::Denied, "The session token does not belong to these keys: correct it"},
    KnownCode{"TokenRefreshRequired", ErrorCode::Denied, "The session token has expired: get new credentials"},
    KnownCode{"RequestTimeTooSkewed", ErrorCode::Denied, "This machine's clock differs by %T from the store's: set it"},
    KnownCode{"RequestExpired", ErrorCode::Denied, "This machine's clock differs by %T from the store's: set it"},
    KnownCode{"AuthorizationHeaderMalformed", ErrorCode::Denied, "Set the region of the bucket"},
    KnownCode{"PermanentRedirect", ErrorCode::InvalidArgument, "The bucket %B is elsewhere: set its region or its endpoint"},
    KnownCode{"BadDigest", ErrorCode::Transient, ""},
    KnownCode{"InvalidDigest", ErrorCode::Transient, ""},
    KnownCode{"XAmzContentSHA256Mismatch", ErrorCode::Transient, ""},
    KnownCode{"IncompleteBody", ErrorCode::Transient, ""},
    KnownCode{"RequestTimeout", ErrorCode::Transient, ""},
    KnownCode{"InternalError", ErrorCode::Transient, ""},
    KnownCode{"QuotaExceeded", ErrorCode::DiskFull, "Make room or raise the quota"},
    KnownCode{"StorageLimitExceeded", ErrorCode::DiskFull, "Make room or raise the quota"},
    KnownCode{"NotImplemented", ErrorCode::Unsupported, ""},
    KnownCode{"Throttling", ErrorCode::Throttled, ""},
    KnownCode{"ThrottlingException", ErrorCode::Throttled, ""},
    KnownCode{"ThrottledException", ErrorCode::Throttled, ""},
    KnownCode{"RequestThrottled", ErrorCode::Throttled, ""},
    KnownCode{"RequestThrottledException", ErrorCode::Throttled, ""},
    KnownCode{"TooManyRequestsException", ErrorCode::Throttled, ""},
    KnownCode{"RequestLimitExceeded", ErrorCode::Throttled, ""},
    KnownCode{"BandwidthLimitExceeded", ErrorCode::Throttled, ""},
    KnownCode{"SlowDown", ErrorCode::Throttled, ""},
    KnownCode{"ProvisionedThroughputExceededException", ErrorCode::Throttled, ""},
    KnownCode{"TransactionInProgressException", ErrorCode::Throttled, ""},
    KnownCode{"PriorRequestNotComplete", ErrorCode::Throttled, ""},
    KnownCode{"EC2ThrottledException", ErrorCode::Throttled, ""},
    KnownCode{"LimitExceededException", ErrorCode::Throttled, ""},
    KnownCode{"ServiceUnavailable", ErrorCode::Throttled, ""},
};

/// For refusals without a code, and for codes that nobody has heard of.
KnownCode byStatus(int status) {
    switch (status) {
        case 401:
        case 403: return {"", ErrorCode::Denied, "Check the access keys and whether they are allowed %P on the bucket %B"};
        case 404: return {"", ErrorCode::NotFound, ""};
        case 408: return {"", ErrorCode::Transient, ""};
        case 409:
        case 412: return {"", ErrorCode::Conflict, ""};
        case 429:
        case 503: return {"", ErrorCode::Throttled, ""};
        case 501: return {"", ErrorCode::Unsupported, ""};
        case 507: return {"", ErrorCode::DiskFull, "Make room or raise the quota"};
        // CompleteMultipartUpload may fail behind a status that says success.
        default: return {"", status >= 500 || status < 300 ? ErrorCode::Transient : ErrorCode::InvalidArgument, ""};
    }
}

KnownCode find(const Refusal& refusal) {
    const auto known = std::find_if(kKnownCodes.begin(), kKnownCodes.end(), [&](const KnownCode& item) { return item.code == refusal.code; });
    return known == kKnownCodes.end() ? byStatus(refusal.status) : *known;
}

std::string fill(std::string_view remedy, const RefusedCall& call) {
    std::string text;
    for (std::size_t i = 0; i < remedy.size(); ++i) {
        if (remedy[i] != '%') {
            text += remedy[i];
            continue;
        }
        switch (remedy[++i]) {
            case 'B': text += call.bucket; break;
            case 'P': text += call.permission; break;
            default: text += std::to_string(std::abs(call.clockDifference.count())) + "s"; break;
        }
    }
    return text;
}

}  // namespace

Error errorOf(const Refusal& refusal, const RefusedCall& call) {
    const KnownCode known = find(refusal);
    std::string text = call.operation + ": " + (refusal.code.empty() ? "refused" : refusal.code);
    if (!refusal.message.empty()) text += ": " + refusal.message;
    text += " (status " + std::to_string(refusal.status);
    if (!refusal.requestId.empty()) text += ", request id " + refusal.requestId;
    text += ")";
    if (!known.remedy.empty()) text += ". " + fill(known.remedy, call);
    return {known.meaning, text};
}

}  // namespace litestream::s3
