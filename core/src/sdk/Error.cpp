#include <litestream/Error.h>

#include <cctype>
#include <cerrno>
#include <cstring>

namespace litestream {

namespace {

ErrorCode classify(int errnoValue) noexcept {
    switch (errnoValue) {
        case ENOENT:
            return ErrorCode::NotFound;
        case EEXIST:
            return ErrorCode::Conflict;
        case EACCES:
        case EPERM:
            return ErrorCode::Denied;
        case ENOSPC:
        case EDQUOT:
            return ErrorCode::DiskFull;
        default:
            return ErrorCode::Transient;
    }
}

/// The system's text in the case of our messages: "Permission denied" becomes "permission denied", "RPC ..." stays.
std::string systemText(int errnoValue) {
    // strerror() is not thread-safe and follows the locale; this table is and does not.
    const char* known = ::strerrordesc_np(errnoValue);
    if (known == nullptr) return "error " + std::to_string(errnoValue);
    std::string text = known;
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

}  // namespace

std::string_view describe(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::NotFound:
            return "not found";
        case ErrorCode::Conflict:
            return "conflict";
        case ErrorCode::Throttled:
            return "throttled";
        case ErrorCode::Transient:
            return "transient failure";
        case ErrorCode::Denied:
            return "denied";
        case ErrorCode::Corrupt:
            return "corrupt";
        case ErrorCode::Unsupported:
            return "unsupported";
        case ErrorCode::InvalidArgument:
            return "invalid argument";
        case ErrorCode::DiskFull:
            return "disk full";
        case ErrorCode::Cancelled:
            return "cancelled";
    }
    return "unknown failure";
}

Error::Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

// Out of line: it anchors the type information in this library.
Error::~Error() = default;

Error Error::within(std::string_view context) const {
    std::string message(context);
    message += ": ";
    message += what();
    Error wider(code_, message);
    wider.retryAfter_ = retryAfter_;
    return wider;
}

Error& Error::retryAfter(std::chrono::milliseconds wait) noexcept {
    retryAfter_ = wait;
    return *this;
}

Error systemError(std::string_view context, int errnoValue) {
    return Error(classify(errnoValue), std::string(context) + ": " + systemText(errnoValue));
}

}  // namespace litestream
