#include "S3Transport.h"

#include "AbandonedUploads.h"
#include "Answer.h"
#include "Client.h"
#include "MultipartUpload.h"
#include "ObjectHeaders.h"
#include "ObjectTime.h"
#include "PartReader.h"
#include "http/Digest.h"
#include "http/HttpTime.h"

#include <litestream/Error.h>
#include <litestream/Key.h>

#include <Poco/NumberParser.h>
#include <Poco/ThreadPool.h>

#include <algorithm>
#include <atomic>
#include <map>

namespace litestream::s3 {

namespace {

constexpr std::size_t kMostPerPage = 1000;
constexpr std::size_t kMostPerDelete = 1000;
constexpr std::uint64_t kMostParts = 10'000;
constexpr std::uint64_t kPartUnit = 1024 * 1024;
/// Beyond any object; further offsets do not fit every store's numbers.
constexpr std::uint64_t kLargestOffset = std::uint64_t{1} << 62;
/// A store looks at each key of a large request.
constexpr std::chrono::seconds kDeletePatience{30};
constexpr std::chrono::seconds kListPatience{20};
/// Threads for parts, of all transports of the process together. They end when nobody needs them.
constexpr int kMostWorkers = 64;
constexpr int kWorkerIdleSeconds = 10;

std::shared_ptr<Poco::ThreadPool> sharedWorkers() {
    static std::mutex mutex;
    static std::weak_ptr<Poco::ThreadPool> shared;
    std::lock_guard lock(mutex);
    auto workers = shared.lock();
    if (workers == nullptr) {
        workers = std::make_shared<Poco::ThreadPool>("s3-parts", 1, kMostWorkers, kWorkerIdleSeconds);
        shared = workers;
    }
    return workers;
}

/// The total in "bytes 0-9/100".
std::optional<std::uint64_t> totalOf(std::string_view contentRange) {
    const std::size_t slash = contentRange.find('/');
    Poco::UInt64 total = 0;
    if (slash == std::string_view::npos || !Poco::NumberParser::tryParseUnsigned64(std::string(contentRange.substr(slash + 1)), total)) {
        return std::nullopt;
    }
    return total;
}

bool isKey(std::string_view text) {
    try {
        checkKey(text);
        return true;
    } catch (const Error&) {
        return false;
    }
}

class S3Transport final : public Transport {
public:
    S3Transport(Settings settings, std::shared_ptr<CredentialProvider> credentials, std::shared_ptr<Http> http, Host& host)
        : host_(host), client_(std::move(settings), std::move(credentials), std::move(http), host),
          capabilities_{.layout = LayoutFamily::Flat, .conditionalPut = client_.settings().conditionalPut, .listsTimestamp = false, .requestsAreCounted = true,
                        .concurrency = client_.settings().concurrency} {}

    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }

    std::vector<std::pair<std::string, std::string>> describe() const override { return settings().describe(); }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override;
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override;
    ObjectInfo head(const std::string& key, const CallContext& context) override;
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override;
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override;

private:
    const Settings& settings() const noexcept { return client_.settings(); }
    std::uint64_t partSizeFor(const Body& body) const;
    void putWhole(const std::string& key, ConstBytes content, const PutOptions& options, const CallContext& context);
    void refuseExisting(const std::string& key, const CallContext& context);
    ListPage page(const std::string& prefix, const std::string& startAfter, std::size_t limit, const std::string& token,
                  const CallContext& context);
    void removeSome(const std::vector<std::string>& keys, const CallContext& context, std::vector<RemoveFailure>& failures);

    Host& host_;
    const std::shared_ptr<Poco::ThreadPool> workers_ = sharedWorkers();
    Client client_;
    const TransportCapabilities capabilities_;
    std::atomic<bool> bucketSeen_{false};    ///< some answer proved that the bucket exists
    std::atomic<bool> uploadsSwept_{false};  ///< once is enough: the next process does it again
};

std::uint64_t S3Transport::partSizeFor(const Body& body) const {
    if (!body.size()) return settings().partSize;
    const std::uint64_t least = (*body.size() + kMostParts - 1) / kMostParts;
    return std::max(settings().partSize, (least + kPartUnit - 1) / kPartUnit * kPartUnit);
}

std::uint64_t S3Transport::put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) {
    checkKey(key);
    context.check("put");
    const std::uint64_t partSize = partSizeFor(body);
    PartReader reader(body, "put", context);
    PartBuffer buffer;
    const ConstBytes first = reader.next(buffer, static_cast<std::size_t>(partSize));
    if (reader.ended()) {
        putWhole(key, first, options, context);
    } else {
        if (options.onlyIfAbsent) refuseExisting(key, context);
        MultipartUpload(client_, host_, *workers_, key, options, context).run(first, std::move(buffer), reader, partSize);
        if (!uploadsSwept_.exchange(true)) abortAbandonedUploads(client_, host_, key, context);
    }
    bucketSeen_ = true;
    return reader.taken();
}

void S3Transport::putWhole(const std::string& key, ConstBytes content, const PutOptions& options, const CallContext& context) {
    ApiCall call{.operation = "put " + key, .permission = "s3:PutObject", .method = "PUT", .key = key,
                 .headers = objectHeaders(settings(), options.timestamp), .body = content};
    if (settings().contentMd5) call.headers.emplace_back("Content-MD5", md5Base64(content));
    if (options.onlyIfAbsent) call.headers.emplace_back("If-None-Match", "*");
    const Response response = client_.send(call, context);
    if (response.header("ETag").empty()) throw Error(ErrorCode::Transient, call.operation + ": upload failed: no ETag returned");
}

/// Not every store looks at If-None-Match when an upload is completed (Ceph does not), so who loses is told before he begins.
void S3Transport::refuseExisting(const std::string& key, const CallContext& context) {
    try {
        head(key, context);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::NotFound) return;
        throw;
    }
    throw Error(ErrorCode::Conflict, "put " + key + ": exists already");
}

std::size_t S3Transport::get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) {
    checkKey(key);
    if (into.empty() || offset > kLargestOffset) {
        head(key, context);
        return 0;
    }
    constexpr int kBehindTheEnd = 416;
    ApiCall call{.operation = "get " + key, .permission = "s3:GetObject", .method = "GET", .key = key, .headers = keyHeaders(settings()),
                 .accepted = kBehindTheEnd};
    const std::string begin = std::to_string(offset);
    call.headers.emplace_back("Range", "bytes=" + begin + "-" + std::to_string(offset + into.size() - 1));
    const Response response = client_.send(call, context, into);
    bucketSeen_ = true;
    if (response.status == kBehindTheEnd) return 0;
    const std::string_view range = response.header("Content-Range");
    if (response.status != 206 && offset != 0) {
        throw Error(ErrorCode::Unsupported, call.operation + ": the store does not read from the middle of an object");
    }
    if (response.status == 206 && !range.starts_with("bytes " + begin + "-")) {
        throw Error(ErrorCode::Transient, call.operation + ": the store sent another range than asked for");
    }
    const auto total = totalOf(range);
    if (total && response.received < std::min<std::uint64_t>(into.size(), *total - std::min(*total, offset))) {
        throw Error(ErrorCode::Transient, call.operation + ": the store sent less than the object has");
    }
    return response.received;
}

ObjectInfo S3Transport::head(const std::string& key, const CallContext& context) {
    checkKey(key);
    const ApiCall call{.operation = "head " + key, .permission = "s3:GetObject", .method = "HEAD", .key = key,
                       .headers = keyHeaders(settings()), .accepted = 404};
    const Response response = client_.send(call, context);
    if (response.status == call.accepted) {
        // It has no body that could tell a missing bucket from a missing object; a listing has.
        if (!bucketSeen_) list({}, {}, 1, context);
        throw Error(ErrorCode::NotFound, call.operation + ": does not exist");
    }
    bucketSeen_ = true;
    ObjectInfo info{key, 0, {}};
    Poco::UInt64 size = 0;
    if (!Poco::NumberParser::tryParseUnsigned64(std::string(response.header("Content-Length")), size)) {
        throw Error(ErrorCode::Transient, call.operation + ": the answer tells no size");
    }
    info.size = size;
    auto time = parseTimestamp(std::string(response.header(kTimestampHeader)));
    if (!time) time = parseHttpDate(std::string(response.header("Last-Modified")));
    if (!time) throw Error(ErrorCode::Transient, call.operation + ": the answer tells no time");
    info.timestamp = *time;
    return info;
}

ListPage S3Transport::page(const std::string& prefix, const std::string& startAfter, std::size_t limit, const std::string& token,
                           const CallContext& context) {
    ApiCall call{.operation = "list " + prefix, .permission = "s3:ListBucket", .method = "GET",
                 .query = {{"list-type", "2"}, {"prefix", prefix}, {"max-keys", std::to_string(limit)}, {"encoding-type", "url"}},
                 .patience = kListPatience};
    if (!token.empty()) {
        call.query.emplace_back("continuation-token", token);
    } else if (!startAfter.empty()) {
        call.query.emplace_back("start-after", startAfter);
    }
    return readListPage(client_.send(call, context).body, call.operation);
}

std::vector<ObjectInfo> S3Transport::list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                          const CallContext& context) {
    context.check("list");
    const std::string& root = settings().prefix;
    const std::string wholePrefix = root + std::string(prefix);
    const std::string wholeStart = startAfter.empty() ? std::string() : root + std::string(startAfter);
    std::vector<ObjectInfo> found;
    std::string token;
    for (;;) {
        ListPage got = page(wholePrefix, wholeStart, std::min(limit - found.size(), kMostPerPage), token, context);
        bucketSeen_ = true;
        for (ObjectInfo& info : got.objects) {
            if (!info.key.starts_with(wholePrefix)) continue;
            info.key.erase(0, root.size());
            // What others put beside our objects: "folders" that end with a slash, keys that no transport could hold.
            const bool isNew = info.key > startAfter && (found.empty() || info.key > found.back().key);
            if (isNew && isKey(info.key) && found.size() < limit) found.push_back(std::move(info));
        }
        if (!got.truncated || found.size() == limit) return found;
        if (got.nextToken.empty() || got.nextToken == token) {
            throw Error(ErrorCode::Transient, "list " + wholePrefix + ": the store does not tell how the listing goes on");
        }
        token = got.nextToken;
    }
}

std::vector<RemoveFailure> S3Transport::remove(std::span<const std::string> keys, const CallContext& context) {
    for (const std::string& key : keys) checkKey(key);
    context.check("remove");
    std::vector<RemoveFailure> failures;
    for (std::size_t begin = 0; begin < keys.size(); begin += kMostPerDelete) {
        const auto some = keys.subspan(begin, std::min(kMostPerDelete, keys.size() - begin));
        try {
            removeSome({some.begin(), some.end()}, context, failures);
        } catch (const Error& error) {
            if (begin == 0) throw;
            for (const std::string& key : some) failures.push_back({key, error.what()});
        }
    }
    return failures;
}

void S3Transport::removeSome(const std::vector<std::string>& keys, const CallContext& context, std::vector<RemoveFailure>& failures) {
    std::vector<std::string> wholeKeys;
    for (const std::string& key : keys) wholeKeys.push_back(settings().prefix + key);
    const std::string document = deleteDocument(wholeKeys);
    ApiCall call{.operation = keys.size() == 1 ? "remove " + keys.front() : "remove " + std::to_string(keys.size()) + " objects",
                 .permission = "s3:DeleteObject", .method = "POST", .query = {{"delete", ""}}, .body = bytesOf(document),
                 .patience = kDeletePatience};
    call.headers.emplace_back("Content-Type", "application/xml");
    if (settings().contentMd5) call.headers.emplace_back("Content-MD5", md5Base64(call.body));
    std::map<std::string, std::string> reasons;  // by whole key, "" = gone
    for (DeleteResult& result : readDeleteResults(client_.send(call, context).body, call.operation)) {
        std::string reason = result.code == "NoSuchKey" ? "" : result.code;
        if (!reason.empty() && !result.message.empty()) reason += ": " + result.message;
        reasons[std::move(result.key)] = std::move(reason);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto found = reasons.find(wholeKeys[i]);
        const std::string reason = found == reasons.end() ? "the store's answer does not mention it" : found->second;
        if (!reason.empty()) failures.push_back({keys[i], "remove " + keys[i] + ": " + reason});
    }
}

}  // namespace

std::unique_ptr<Transport> makeTransport(Settings settings, std::shared_ptr<CredentialProvider> credentials, std::shared_ptr<Http> http,
                                         Host& host) {
    return std::make_unique<S3Transport>(std::move(settings), std::move(credentials), std::move(http), host);
}

}  // namespace litestream::s3
