#pragma once

#include <map>
#include <string>
#include <string_view>

namespace litestream::s3 {

/// Sections of name = value lines, as in ~/.aws/credentials. Lines that begin with # or ; are comments, indented lines
/// belong to nested settings and are skipped; section names keep their case, names are in lower case. A section that
/// comes twice is one. An own reader, because Poco's folds case, so that the profiles "Prod" and "prod" would be one,
/// and takes # for a name.
using IniSections = std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;

IniSections readIni(std::string_view text);

}  // namespace litestream::s3
