#pragma once

#include <litestream/Options.h>

#include <string>
#include <string_view>
#include <vector>

namespace litestream::s3 {

struct ParsedUrl {
    OptionValues options;
    std::vector<std::string> unknownParameters;  ///< names of query parameters that mean nothing here
};

/// Reads s3://HOST[/PATH][?query] and s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME[/PATH][?query]. Sets bucket and
/// path always. The path is decoded and cleaned; it is "." for a URL without one and "" for a lone slash, which
/// upstream tells apart. User information is dropped. Throws Error(InvalidArgument); no text shows the query or user
/// information.
ParsedUrl parseReplicaUrl(std::string_view url);

}  // namespace litestream::s3
