#pragma once

#include "config/Config.h"

#include <istream>
#include <string>

namespace litestream::config {

/// Reads litestream.ini; config/litestream.ini describes every section and key. `name` stands for the file in messages. Unknown
/// sections and keys, keys given twice and values of another type throw Error(InvalidArgument) naming file, line and key.
Config readIni(std::istream& stream, const std::string& name);

}  // namespace litestream::config
