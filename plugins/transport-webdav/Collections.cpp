#include "Collections.h"

#include "Refusals.h"

#include <litestream/Error.h>

namespace litestream::webdav {

void Collections::prepare(const std::string& folder, const std::string& operation, const CallContext& context) {
    {
        const std::lock_guard lock(mutex_);
        if (known_.contains(folder)) return;
    }
    // Outside the lock: it may take long. Two who make the same folder both find it made.
    const std::string path = client_.pathOf(folder);
    if (path != "/") make(path, operation, context);
    const std::lock_guard lock(mutex_);
    known_.insert(folder);
}

void Collections::forget() {
    const std::lock_guard lock(mutex_);
    known_.clear();
}

/// False when the folder above it is missing.
bool Collections::tryToMake(const std::string& path, const std::string& operation, const CallContext& context) {
    // 405: it is there. 409, and 404 of some servers: nothing is there to make it in.
    const DavCall call{.operation = operation, .method = "MKCOL", .path = path, .accepted = {403, 404, 405, 409}};
    const http::Response response = client_.send(call, context);
    // Apache says so also to the second of two who make the same folder, others to everybody who may not make what is there already.
    if (response.status == 403 && !listing_.findPath(path, operation, context)) {
        throw errorOf(response, operation, path, !client_.settings().username.empty());
    }
    return response.status != 404 && response.status != 409;
}

/// `path` ends with a slash: nginx makes no folder without.
void Collections::make(const std::string& path, const std::string& operation, const CallContext& context) {
    if (tryToMake(path, operation, context)) return;
    const std::size_t above = path.rfind('/', path.size() - 2);
    if (above != 0) {
        make(path.substr(0, above + 1), operation, context);
        if (tryToMake(path, operation, context)) return;
    }
    throw Error(ErrorCode::InvalidArgument,
                operation + ": the server cannot make the folder " + path + ". Check webdav-url and path");
}

}  // namespace litestream::webdav
