#include "MultipartUpload.h"

#include "Answer.h"
#include "ObjectHeaders.h"
#include "ObjectTime.h"
#include "http/Digest.h"

#include <litestream/Error.h>

#include <Poco/Event.h>

#include <algorithm>
#include <utility>

namespace litestream::s3 {

namespace {

constexpr unsigned kMostParts = 10'000;
/// Parts up to this number have the size that was asked for; behind it the size doubles every kDoubleEvery parts, up to kMaximumPart. So an object may
/// have two terabytes and more. Fewer of the larger parts are under way at a time.
constexpr unsigned kEqualParts = 5'000;
constexpr unsigned kDoubleEvery = 500;
constexpr unsigned kAttempts = 4;
constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::chrono::milliseconds kLongestPause{5'000};
/// Putting a long object together takes a store its time.
constexpr std::chrono::seconds kCompletePatience{60};
constexpr std::chrono::seconds kAbortLimit{5};
/// What a caller who no longer waits grants for tidying up.
constexpr std::chrono::milliseconds kLateAbortLimit{700};

std::uint64_t lengthOf(unsigned number, std::uint64_t partSize) noexcept {
    return number <= kEqualParts ? partSize : std::min(partSize << ((number - kEqualParts - 1) / kDoubleEvery + 1), kMaximumPart);
}

/// The store knows no such upload: it has to begin anew.
bool isForgotten(const Error& error) noexcept {
    return std::string_view(error.what()).find("NoSuchUpload") != std::string_view::npos;
}

void pause(std::chrono::milliseconds time, const CancellationToken& token) {
    Poco::Event cancelled;
    const auto registration = token.onCancel([&] { cancelled.set(); });
    cancelled.tryWait(static_cast<long>(time.count()));
}

}  // namespace

MultipartUpload::MultipartUpload(Client& client, Host& host, Poco::ThreadPool& workers, std::string key, const PutOptions& options,
                                 const CallContext& context)
    : client_(client), host_(host), workers_(workers), key_(std::move(key)), operation_("put " + key_), options_(options), context_(context),
      partContext_{context.deadline, stop_.token()} {}

void MultipartUpload::run(ConstBytes first, PartBuffer buffer, PartReader& reader, std::uint64_t partSize) {
    const auto registration = context_.cancellation.onCancel([this] { stop_.cancel(); });
    uploadId_ = create();
    try {
        sendParts(first, std::move(buffer), reader, partSize);
        complete(reader.taken());
    } catch (...) {
        abort();
        throw;
    }
}

/// As many as fit into the memory that parts of the wanted size need twice.
unsigned MultipartUpload::mostUnderWay(std::uint64_t length, std::uint64_t partSize) const noexcept {
    const unsigned wanted = std::max(client_.settings().concurrency, 1u);
    return static_cast<unsigned>(std::clamp<std::uint64_t>(2 * wanted * partSize / length, 1, wanted));
}

void MultipartUpload::sendParts(ConstBytes first, PartBuffer buffer, PartReader& reader, std::uint64_t partSize) {
    try {
        for (unsigned number = 1;; ++number) {
            if (number > kMostParts) throw Error(ErrorCode::Unsupported, operation_ + ": more than 10000 parts. Set a larger part-size");
            mayBeUnderWay_ = mostUnderWay(lengthOf(number, partSize), partSize);
            Part& part = takePart();
            part.number = number;
            if (number == 1) {
                part.buffer = std::move(buffer);
                part.bytes = first;
            } else {
                part.bytes = reader.next(part.buffer, static_cast<std::size_t>(lengthOf(number, partSize)));
            }
            start(part);
            if (reader.ended()) break;
        }
    } catch (...) {
        fail(std::current_exception());
    }
    finish();
}

/// A part that nobody uses. Throws what went wrong meanwhile.
MultipartUpload::Part& MultipartUpload::takePart() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || !idle_.empty() || parts_.size() <= mayBeUnderWay_; });
    if (failure_) std::rethrow_exception(failure_);
    if (idle_.empty()) return parts_.emplace_back(*this);
    Part& part = *idle_.back();
    idle_.pop_back();
    return part;
}

void MultipartUpload::start(Part& part) {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return underWay_ < mayBeUnderWay_; });
        ++underWay_;
    }
    try {
        workers_.start(part);
    } catch (const std::exception&) {
        // The pool is used up, or the process may start no thread: the caller's own does it as well.
        part.run();
    }
}

void MultipartUpload::runPart(Part& part) noexcept {
    std::string etag;
    try {
        etag = sendPart(part);
    } catch (...) {
        fail(std::current_exception());
    }
    // Under the lock to the end: the last one's notification lets the upload end, and with it the condition.
    std::lock_guard lock(mutex_);
    if (etags_.size() < part.number) etags_.resize(part.number);
    etags_[part.number - 1] = std::move(etag);
    idle_.push_back(&part);
    --underWay_;
    changed_.notify_all();
}

/// What went wrong first is what the caller hears of; the parts that it stops then fail for that reason only.
void MultipartUpload::fail(std::exception_ptr reason) noexcept {
    {
        std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::move(reason);
    }
    stop_.cancel();
}

std::string MultipartUpload::sendPart(const Part& part) {
    ApiCall call{.operation = operation_, .permission = "s3:PutObject", .method = "PUT", .key = key_,
                 .query = {{"partNumber", std::to_string(part.number)}, {"uploadId", uploadId_}},
                 .headers = keyHeaders(client_.settings()), .body = part.bytes};
    if (client_.settings().contentMd5) call.headers.emplace_back("Content-MD5", md5Base64(part.bytes));
    std::string etag;
    persistently(partContext_, [&] {
        etag = client_.send(call, partContext_).header("ETag");
        if (etag.empty()) throw Error(ErrorCode::Transient, operation_ + ": upload failed: no ETag returned");
    });
    return etag;
}

void MultipartUpload::persistently(const CallContext& context, const std::function<void()>& attempt) {
    std::chrono::milliseconds wait = kFirstPause;
    for (unsigned number = 1;; ++number, wait *= 2) {
        try {
            return attempt();
        } catch (const Error& error) {
            const bool heals = error.code() == ErrorCode::Transient || error.code() == ErrorCode::Throttled;
            if (!heals || number == kAttempts || isForgotten(error)) throw;
            pause(std::min(error.retryAfter().value_or(wait), kLongestPause), context.cancellation);
            context.check(operation_.c_str());
        }
    }
}

void MultipartUpload::finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return underWay_ == 0; });
    if (failure_) std::rethrow_exception(failure_);
}

std::string MultipartUpload::create() {
    const ApiCall call{.operation = operation_, .permission = "s3:PutObject", .method = "POST", .key = key_, .query = {{"uploads", ""}},
                       .headers = objectHeaders(client_.settings(), options_.timestamp)};
    return readUploadId(client_.send(call, context_).body, operation_);
}

void MultipartUpload::complete(std::uint64_t size) {
    const std::string document = completeDocument(etags_);
    ApiCall call{.operation = operation_, .permission = "s3:PutObject", .method = "POST", .key = key_, .query = {{"uploadId", uploadId_}},
                 .headers = keyHeaders(client_.settings()), .body = bytesOf(document), .patience = kCompletePatience};
    if (options_.onlyIfAbsent) call.headers.emplace_back("If-None-Match", "*");
    persistently(context_, [&] { completeOnce(call, size); });
}

void MultipartUpload::completeOnce(const ApiCall& call, std::uint64_t size) {
    try {
        const Response response = client_.send(call, context_);
        // A long assembly is told to be a success before it is one: only the document that ends it counts.
        if (isCompletion(response.body)) return;
        const Refusal refusal = readRefusal(response);
        if (refusal.code.empty()) throw Error(ErrorCode::Transient, operation_ + ": the answer does not say that the object is whole");
        throw errorOf(refusal, {operation_, client_.settings().bucket, call.permission});
    } catch (const Error& error) {
        // An upload is also forgotten when it has been completed, by an attempt whose answer was lost.
        if (!isForgotten(error) || !isThere(size)) throw;
    }
}

/// Whether the object is the one that was sent, as far as a store tells without sending it back.
bool MultipartUpload::isThere(std::uint64_t size) {
    const Response response = client_.send({.operation = operation_, .permission = "s3:GetObject", .method = "HEAD", .key = key_,
                                            .headers = keyHeaders(client_.settings()), .accepted = 404},
                                           context_);
    return response.succeeded() && response.header("Content-Length") == std::to_string(size) &&
           response.header(kTimestampHeader) == formatTimestamp(options_.timestamp);
}

void abortUpload(Client& client, const std::string& key, const std::string& id, const CallContext& context) {
    client.send({.operation = "abort the upload of " + key, .permission = "s3:AbortMultipartUpload", .method = "DELETE", .key = key,
                 .query = {{"uploadId", id}}, .accepted = 404},
                context);
}

void MultipartUpload::abort() noexcept {
    try {
        const bool late = context_.cancellation.cancelled() || context_.remaining() == CallContext::Clock::duration::zero();
        const CallContext own = CallContext::within(late ? kLateAbortLimit : CallContext::Clock::duration(kAbortLimit));
        abortUpload(client_, key_, uploadId_, own);
    } catch (const std::exception& error) {
        host_.log(LogLevel::Warning, std::string(error.what()) +
                                         ". Its parts stay in the bucket: let a lifecycle rule remove unfinished uploads");
    }
}

}  // namespace litestream::s3
