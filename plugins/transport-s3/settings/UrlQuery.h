#pragma once

#include <litestream/Options.h>

#include <string>
#include <string_view>
#include <vector>

namespace litestream::s3 {

/// Sets options from the query of a replica URL ("region=nyc3&part-size=5242880"), in each spelling that upstream
/// knows. Values are read by upstream's rules, which are not those of configuration files. Returns the names of
/// parameters that mean nothing; credentials are among them, because a URL is shown in logs. Throws
/// Error(InvalidArgument) for a part size or concurrency that is no positive integer, and for broken escapes; no text
/// shows a secret.
std::vector<std::string> readUrlQuery(std::string_view query, OptionValues& options);

/// Resolves percent escapes; with `plusIsBlank` also the plus signs of a query. Throws Error(InvalidArgument), naming
/// `what`.
std::string unescape(std::string_view text, bool plusIsBlank, std::string_view what);

}  // namespace litestream::s3
