#pragma once

#include <litestream/Export.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace litestream {

/// What the caller can do about a failure. The one who meets the failure classifies it; one place in core decides
/// what follows (core/src/transport/RetryPolicy.h).
enum class ErrorCode {
    NotFound,         ///< the named thing does not exist
    Conflict,         ///< it exists already, or somebody else changed it
    Throttled,        ///< asked too often: later it will work
    Transient,        ///< may work when tried again: a reset connection, a busy disk, an I/O error
    Denied,           ///< credentials or permissions do not allow it: a person is needed
    Corrupt,          ///< bytes that should be valid are not; never retried, always loud
    Unsupported,      ///< valid, but this build, plugin or platform cannot do it
    InvalidArgument,  ///< the request itself is wrong: a bad option, a bad URL
    DiskFull,         ///< no space or quota left
    Cancelled,        ///< the caller asked to stop, or a deadline passed
};

/// "not found", "disk full", ...
LITESTREAM_SDK std::string_view describe(ErrorCode code) noexcept;

/// The only exception that crosses an interface of this SDK.
///
/// The message is lower case, names operation and object first and has no full stop:
/// "put ltx/0/0000000000000001-0000000000000001.ltx: permission denied". A remedy is a sentence of its own behind
/// it. A message never contains a secret.
///
/// Its type information lives in the SDK's shared library, so that a catch in core sees what a plugin threw.
class LITESTREAM_SDK Error : public std::runtime_error {
public:
    Error(ErrorCode code, const std::string& message);
    ~Error() override;

    ErrorCode code() const noexcept { return code_; }

    /// How long the other side asked to be left alone (HTTP's Retry-After); for Throttled and Transient.
    std::optional<std::chrono::milliseconds> retryAfter() const noexcept { return retryAfter_; }
    Error& retryAfter(std::chrono::milliseconds wait) noexcept;

    /// The same failure with the caller's context before the text: "restore /tmp/a.db: " + what().
    Error within(std::string_view context) const;

private:
    ErrorCode code_;
    std::optional<std::chrono::milliseconds> retryAfter_;
};

/// An Error for a failed system call: the class follows errno (ENOENT NotFound, EEXIST Conflict, EACCES and EPERM
/// Denied, ENOSPC and EDQUOT DiskFull, everything else Transient) and the text is "context: strerror".
LITESTREAM_SDK Error systemError(std::string_view context, int errnoValue);

}  // namespace litestream
