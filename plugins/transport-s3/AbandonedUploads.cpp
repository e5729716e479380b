#include "AbandonedUploads.h"

#include "Answer.h"
#include "MultipartUpload.h"
#include "http/HttpTime.h"

#include <litestream/Error.h>

#include <chrono>
#include <string>

namespace litestream::s3 {

namespace {

/// No upload of a process that lives takes as long.
constexpr std::chrono::milliseconds kAbandonedAfter = std::chrono::hours(7 * 24);
constexpr std::chrono::seconds kListPatience{20};

void abortBelow(Client& client, Host& host, const std::string& directory, const CallContext& context) {
    const std::string& root = client.settings().prefix;
    const ApiCall call{.operation = "list the unfinished uploads below " + directory, .permission = "s3:ListBucketMultipartUploads", .method = "GET",
                       .query = {{"uploads", ""}, {"prefix", root + directory}, {"encoding-type", "url"}}, .patience = kListPatience};
    const Response response = client.send(call, context);
    const auto now = parseHttpDate(std::string(response.header("Date")));
    if (!now) return;
    std::size_t aborted = 0;
    for (const UnfinishedUpload& upload : readUploadPage(response.body, call.operation)) {
        const bool isBeside = upload.key.starts_with(root + directory) && upload.key.find('/', root.size() + directory.size()) == std::string::npos;
        if (!isBeside || now->milliseconds - upload.begun.milliseconds < kAbandonedAfter.count()) continue;
        abortUpload(client, upload.key.substr(root.size()), upload.id, context);
        ++aborted;
    }
    if (aborted != 0) host.log(LogLevel::Info, "removed " + std::to_string(aborted) + " unfinished uploads below " + directory + ", a week old or more");
}

}  // namespace

void abortAbandonedUploads(Client& client, Host& host, std::string_view key, const CallContext& context) noexcept {
    const std::size_t slash = key.rfind('/');
    if (slash == std::string_view::npos) return;
    try {
        abortBelow(client, host, std::string(key.substr(0, slash + 1)), context);
    } catch (const std::exception& error) {
        host.log(LogLevel::Debug, error.what());
    }
}

}  // namespace litestream::s3
