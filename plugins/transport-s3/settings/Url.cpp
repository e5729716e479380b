#include "Url.h"

#include "AccessPoint.h"
#include "UrlHost.h"
#include "UrlQuery.h"

#include <litestream/Error.h>

#include <algorithm>
#include <filesystem>

namespace litestream::s3 {

namespace {

constexpr std::string_view kAccessPoint = ":accesspoint/";

std::string cleanPath(std::string_view encoded) {
    const std::string decoded = unescape(encoded, false, "path");
    if (decoded.find('\0') != std::string::npos)
        throw Error(ErrorCode::InvalidArgument, "s3 replica url: zero byte in path");
    if (decoded.empty()) return ".";
    std::string path = std::filesystem::path(decoded).lexically_normal().string();
    while (path.ends_with('/')) path.pop_back();
    path.erase(0, path.starts_with('/') ? 1 : 0);
    return path;
}

void readAccessPoint(std::string_view text, OptionValues& options) {
    const std::size_t marker = text.find(kAccessPoint);
    const std::size_t name = marker == std::string_view::npos ? text.size() : marker + kAccessPoint.size();
    const std::size_t slash = text.find('/', name);
    const std::size_t end = std::min(slash, text.size());
    const std::string_view arn = text.substr(0, end);
    AccessPoint point = parseAccessPoint(arn);
    options.set("bucket", std::string(arn));
    if (!point.region.empty()) options.set("region", std::move(point.region));
    const std::string path = cleanPath(text.substr(end));
    options.set("path", path == "." ? std::string() : path);
}

void readHost(std::string_view text, OptionValues& options) {
    const std::string_view wholeAuthority = text.substr(0, text.find('/'));
    const std::size_t at = wholeAuthority.rfind('@');
    const std::string_view authority = at == std::string_view::npos ? wholeAuthority : wholeAuthority.substr(at + 1);
    UrlHost host = readUrlHost(authority);
    if (host.bucket.empty()) throw Error(ErrorCode::InvalidArgument, "bucket required for s3 replica");
    options.set("bucket", std::move(host.bucket));
    options.set("path", cleanPath(text.substr(wholeAuthority.size())));
    if (!host.region.empty()) options.set("region", std::move(host.region));
    if (host.endpoint.empty()) return;
    if (host.virtualHost) options.set("url-endpoint", host.endpoint);
    options.set("endpoint", std::move(host.endpoint));
}

}  // namespace

ParsedUrl parseReplicaUrl(std::string_view url) {
    url = url.substr(0, url.find('#'));
    const std::size_t question = url.find('?');
    std::string_view text = url.substr(0, question);
    text.remove_prefix(std::min(text.size(), text.find(':') + 1));
    if (!text.starts_with("//")) throw Error(ErrorCode::InvalidArgument, "bucket required for s3 replica");
    text.remove_prefix(2);
    ParsedUrl parsed;
    if (isArn(text)) {
        readAccessPoint(text, parsed.options);
    } else {
        readHost(text, parsed.options);
    }
    if (question != std::string_view::npos) {
        parsed.unknownParameters = readUrlQuery(url.substr(question + 1), parsed.options);
    }
    return parsed;
}

}  // namespace litestream::s3
