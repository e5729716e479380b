#include "Refusals.h"

#include "http/HttpTime.h"

namespace litestream::webdav {

namespace {

struct Meaning {
    ErrorCode code;
    std::string remedy = {};
};

Meaning meaningOf(const http::Response& response, const std::string& path, bool hasUser) {
    const int status = response.status;
    switch (status) {
        case 401:
            return {ErrorCode::Denied, hasUser ? "Check webdav-username and webdav-password"
                                               : "The server wants a user: set webdav-username and webdav-password"};
        case 403:
            return {ErrorCode::Denied, "Allow the user to read and write below the folder of the replica"};
        case 404:
        case 410:
            return {ErrorCode::NotFound};
        case 405:
        case 501:
            return {ErrorCode::Unsupported,
                    "The server does not speak WebDAV there, or not all of it: check webdav-url and that it allows "
                    "PROPFIND, PUT, MOVE, MKCOL and DELETE"};
        case 412:
            return {ErrorCode::Conflict};
        case 413:
            return {ErrorCode::InvalidArgument, "Raise the server's limit for the length of a request"};
        case 408:
        case 409:
        case 423:
            return {ErrorCode::Transient};
        case 429:
        case 503:
            return {ErrorCode::Throttled};
        case 507:
            return {ErrorCode::DiskFull, "Make room or raise the quota"};
        default:
            break;
    }
    if (status >= 300 && status < 400) {
        const std::string to(response.header("Location"));
        return {ErrorCode::InvalidArgument, "The server has " + path + " elsewhere" +
                                                (to.empty() ? "" : ", at " + to.substr(0, to.find('?'))) +
                                                ": correct webdav-url"};
    }
    return {status >= 500 || status < 300 ? ErrorCode::Transient : ErrorCode::InvalidArgument};
}

}  // namespace

Error errorOf(const http::Response& response, const std::string& operation, const std::string& path, bool hasUser) {
    const Meaning meaning = meaningOf(response, path, hasUser);
    std::string text = operation + ": refused (status " + std::to_string(response.status) + ")";
    if (!meaning.remedy.empty()) text += ". " + meaning.remedy;
    Error error(meaning.code, text);
    if (const auto wait = http::retryAfterOf(response)) error.retryAfter(*wait);
    return error;
}

}  // namespace litestream::webdav
