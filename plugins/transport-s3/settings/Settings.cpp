#include "Settings.h"

#include "http/Encode.h"
#include "../base/Endpoint.h"
#include "AccessPoint.h"
#include "Provider.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::s3 {

namespace {

constexpr std::uint64_t kMinimumPart = 5 * 1024 * 1024;
/// "5MB" is what people write who mean the minimum.
constexpr std::uint64_t kRoundedPart = 5'000'000;
/// An upload has no more parts.
constexpr std::int64_t kMaximumConcurrency = 10'000;
constexpr std::string_view kSpaces = ".digitaloceanspaces.com";

bool isLowerOrDigit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool isDnsLabel(std::string_view label) {
    if (label.empty() || label.size() > 63 || !isLowerOrDigit(label.front()) || !isLowerOrDigit(label.back()))
        return false;
    return std::all_of(label.begin(), label.end(), [](char c) { return isLowerOrDigit(c) || c == '-'; });
}

/// May the bucket be a part of the host name? A certificate for *.HOST covers one label, so dots need plain http.
bool isHostName(const std::string& bucket, bool tls) {
    if (bucket.size() < 3 || bucket.size() > 63 || isAddress(bucket)) return false;
    if (tls) return isDnsLabel(bucket);
    std::string_view rest = bucket;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
        if (!isDnsLabel(rest.substr(0, dot))) return false;
        rest.remove_prefix(dot + 1);
    }
    return isDnsLabel(rest);
}

/// Absent when neither the user nor a default of the table said anything.
std::optional<bool> given(const OptionValues& options, std::string_view name) {
    if (options.textOr(name, "").empty()) return std::nullopt;
    return options.boolean(name);
}

/// "" when AWS has to be asked. A Space's endpoint names its region; other stores do not look at it.
std::string readRegion(const OptionValues& options, const Settings& settings) {
    if (std::string region = options.textOr("region", ""); !region.empty()) return region;
    if (isArn(settings.bucket)) return parseAccessPoint(settings.bucket).region;
    if (!settings.hasEndpoint) return {};
    const std::string& host = settings.origin.host;
    if (!host.ends_with(kSpaces)) return "us-east-1";
    const std::string labels = host.substr(0, host.size() - kSpaces.size());
    return labels.substr(labels.rfind('.') + 1);
}

Addressing choose(const Settings& settings, std::optional<bool> forced, bool pathByDefault) {
    if (isArn(settings.bucket)) {
        if (forced.value_or(pathByDefault)) {
            throw Error(ErrorCode::InvalidArgument, "s3 bucket " + settings.bucket +
                                                        ": Path-style addressing cannot be used with ARN buckets. Set "
                                                        "force-path-style to false, or leave out the endpoint");
        }
        return Addressing::VirtualHost;
    }
    const bool tls = !settings.hasEndpoint || settings.origin.tls;
    if (settings.hasEndpoint && isAddress(settings.origin.host)) return Addressing::Path;
    if (!isHostName(settings.bucket, tls)) return Addressing::Path;
    return forced.value_or(pathByDefault) ? Addressing::Path : Addressing::VirtualHost;
}

std::uint64_t readPartSize(const OptionValues& options, std::vector<std::string>& warnings) {
    if (options.textOr("part-size", "").empty()) return kMinimumPart;
    const std::uint64_t size = options.bytes("part-size");
    if (size >= kRoundedPart && size < kMinimumPart) {
        warnings.push_back("part-size " + std::to_string(size) +
                           " is below the minimum of 5242880 bytes (5MiB): using that");
        return kMinimumPart;
    }
    if (size < kMinimumPart || size > kMaximumPart) {
        throw Error(ErrorCode::InvalidArgument,
                    "part-size " + std::to_string(size) +
                        ": part size must be at least 5242880 bytes (5MiB) and at most 1073741824 (1GiB)");
    }
    return size;
}

unsigned readConcurrency(const OptionValues& options, unsigned byDefault) {
    if (options.textOr("concurrency", "").empty()) return byDefault;
    const std::int64_t number = options.integer("concurrency");
    if (number < 1 || number > kMaximumConcurrency) {
        throw Error(ErrorCode::InvalidArgument, "concurrency " + std::to_string(number) + ": wanted 1 to 10000");
    }
    return static_cast<unsigned>(number);
}

void readBucket(const OptionValues& options, Settings& settings) {
    settings.bucket = options.textOr("bucket", "");
    if (settings.bucket.empty()) throw Error(ErrorCode::InvalidArgument, "bucket required for s3 replica");
    if (!isArn(settings.bucket) && settings.bucket.find('/') != std::string::npos) {
        throw Error(
            ErrorCode::InvalidArgument,
            "bucket \"" + settings.bucket + "\" has a slash. What stands behind the bucket's name belongs into path");
    }
    settings.path = options.textOr("path", "");
    settings.prefix = settings.path + "/";
}

/// Returns whether path style is the default.
bool readEndpoint(const OptionValues& options, const Environment& environment, Settings& settings) {
    settings.endpoint = options.textOr("endpoint", "");
    bool pathByDefault = !settings.endpoint.empty() && settings.endpoint != options.textOr("url-endpoint", "");
    if (settings.endpoint.empty()) {
        settings.endpoint = firstOf(environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
        pathByDefault = false;
    }
    settings.hasEndpoint = !settings.endpoint.empty();
    if (!settings.hasEndpoint) return false;
    Endpoint endpoint = parseEndpoint(settings.endpoint);
    settings.origin = std::move(endpoint.origin);
    settings.originPath = std::move(endpoint.path);
    return pathByDefault;
}

/// What a bucket or an access point is called in a host name.
std::string hostLabel(const std::string& bucket) {
    if (!isArn(bucket)) return bucket;
    const AccessPoint point = parseAccessPoint(bucket);
    return point.name + "-" + point.account;
}

std::string awsHost(std::string_view service, std::string_view region) {
    return std::string(service) + "." + std::string(region) +
           (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

}  // namespace

Place Settings::place(std::string_view inRegion) const {
    const bool isAccessPoint = isArn(bucket);
    Place place{origin, originPath};
    if (!hasEndpoint) place.origin = {true, awsHost(isAccessPoint ? "s3-accesspoint" : "s3", inRegion), 443};
    if (addressing == Addressing::VirtualHost) {
        place.origin.host.insert(0, hostLabel(bucket) + ".");
    } else {
        place.basePath += "/" + percentEncode(bucket, false);
    }
    return place;
}

std::vector<std::pair<std::string, std::string>> Settings::describe() const {
    return {{"bucket", bucket}, {"path", path}, {"region", region}, {"endpoint", endpoint}};
}

Settings settingsFrom(const OptionValues& options, const Environment& environment) {
    Settings settings;
    readBucket(options, settings);
    const bool pathByDefault = readEndpoint(options, environment, settings);
    ProviderDefaults provider = providerOf(options.textOr("endpoint", "").empty() ? "" : settings.origin.host);
    settings.region = readRegion(options, settings);
    settings.addressing = choose(settings, given(options, "force-path-style"), pathByDefault);
    settings.tls.verify = !given(options, "skip-verify").value_or(false);
    settings.signPayload = given(options, "sign-payload").value_or(true);
    settings.contentMd5 = given(options, "require-content-md5").value_or(provider.contentMd5);
    settings.conditionalPut = given(options, "conditional-put").value_or(true);
    settings.storageClass = options.textOr("storage-class", "");
    settings.partSize = readPartSize(options, settings.warnings);
    settings.concurrency = readConcurrency(options, provider.concurrency);
    settings.customerKey = customerKeyFrom(options, settings.origin);
    settings.kmsKeyId = options.textOr("sse-kms-key-id", "");
    settings.extraHeaders = std::move(provider.headers);
    return settings;
}

}  // namespace litestream::s3
