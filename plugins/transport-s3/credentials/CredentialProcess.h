#pragma once

#include "Credentials.h"

#include <string>

namespace litestream::s3 {

/// Runs a profile's credential_process without a shell and reads what it prints. The command is cut at blanks; a word
/// that begins with a quotation mark goes to the next one, with backslashes before marks and backslashes inside. The
/// program is killed when `context` ends. Throws Error(Denied) when it cannot be run, fails, or prints something else
/// than credentials; never what it prints.
Credentials runCredentialProcess(const std::string& command, const CallContext& context);

}  // namespace litestream::s3
