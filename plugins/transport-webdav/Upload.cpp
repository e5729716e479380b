#include "Upload.h"

#include "http/Digest.h"

#include <litestream/Error.h>

#include <optional>

namespace litestream::webdav {

namespace {

/// A body up to this many bytes is sent with its length although it does not tell it.
constexpr std::size_t kSmall = 1024 * 1024;
constexpr int kLengthRequired = 411;
constexpr int kNotImplemented = 501;

/// A body on its way, which ends with its call and counts what was sent since it began.
class SentBody final : public Body {
public:
    SentBody(Body& body, std::optional<std::uint64_t> size, const CallContext& context)
        : body_(body), size_(size), context_(context) {}

    std::optional<std::uint64_t> size() const override { return size_; }
    ConstBytes next() override {
        context_.check("put");
        const ConstBytes run = body_.next();
        taken_ += run.size();
        return run;
    }
    void rewind() override {
        body_.rewind();
        taken_ = 0;
    }
    std::uint64_t taken() const noexcept { return taken_; }

private:
    Body& body_;
    const std::optional<std::uint64_t> size_;
    const CallContext& context_;
    std::uint64_t taken_ = 0;
};

/// RFC 4918 wants the first of a server that has no such folder, some say the other.
constexpr int kFolderMissing = 409;
constexpr int kNotFound = 404;

void requireFolder(const http::Response& response, const std::string& operation) {
    if (response.status != kFolderMissing && response.status != kNotFound) return;
    throw Error(ErrorCode::NotFound, operation + ": there is no such folder");
}

/// The whole body if it is a small one; else it is rewound.
std::optional<std::string> smallBody(Body& body, const CallContext& context) {
    std::string content;
    while (content.size() <= kSmall) {
        context.check("put");
        const ConstBytes run = body.next();
        if (run.empty()) return content;
        content.append(reinterpret_cast<const char*>(run.data()), run.size());
    }
    body.rewind();
    return std::nullopt;
}

DavCall putCall(const std::string& path, Body* body, const std::string& operation) {
    return {.operation = operation,
            .method = "PUT",
            .path = path,
            .headers = {{"Content-Type", "application/octet-stream"}},
            .stream = body,
            .accepted = {kFolderMissing, kNotFound}};
}

}  // namespace

std::uint64_t Upload::send(const std::string& key, Body& body, const std::string& operation,
                           const CallContext& context) {
    if (const auto size = body.size()) return sendSized(key, body, *size, operation, context);
    if (const auto content = smallBody(body, context)) {
        DavCall call = putCall(client_.pathOf(key), nullptr, operation);
        call.body = http::bytesOf(*content);
        requireFolder(client_.send(call, context), operation);
        return content->size();
    }
    std::uint64_t sent = 0;
    if (takesChunks_ && sendChunked(key, body, sent, operation, context)) return sent;
    SentBody measured(body, std::nullopt, context);
    if (takesChunks_.exchange(false)) measured.rewind();
    while (!measured.next().empty()) continue;
    const std::uint64_t size = measured.taken();
    body.rewind();
    return sendSized(key, body, size, operation, context);
}

std::uint64_t Upload::sendSized(const std::string& key, Body& body, std::uint64_t size, const std::string& operation,
                                const CallContext& context) {
    SentBody sent(body, size, context);
    requireFolder(client_.send(putCall(client_.pathOf(key), &sent, operation), context), operation);
    return sent.taken();
}

/// False when the server does not take chunks; then the body has been read, and something else may be there.
bool Upload::sendChunked(const std::string& key, Body& body, std::uint64_t& sent, const std::string& operation,
                         const CallContext& context) {
    SentBody counted(body, std::nullopt, context);
    DavCall call = putCall(client_.pathOf(key), &counted, operation);
    call.accepted.insert(call.accepted.end(), {kLengthRequired, kNotImplemented});
    const http::Response response = client_.send(call, context);
    requireFolder(response, operation);
    if (!response.succeeded()) return false;
    sent = counted.taken();
    // Some servers say that they have it and keep an empty file.
    const auto found = listing_.find(key, operation, context);
    return found && found->size == sent;
}

}  // namespace litestream::webdav
