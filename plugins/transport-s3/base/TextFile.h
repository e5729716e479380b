#pragma once

#include <litestream/Secret.h>

#include <string>
#include <string_view>

namespace litestream::s3 {

/// The content of a small file without white space around it. Throws the Error of the failed system call,
/// Error(InvalidArgument) for more than a mebibyte; texts name `what` and the path.
Secret readSecretFile(const std::string& path, std::string_view what);

std::string_view trimmed(std::string_view text) noexcept;

}  // namespace litestream::s3
