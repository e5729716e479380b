#pragma once

#include "config/Config.h"

#include <filesystem>
#include <istream>

namespace litestream::config {

/// Reads litestream.ini; config/litestream.ini describes every section and key. Unknown sections and keys, keys given
/// twice and values of another type throw Error(InvalidArgument) naming file, line and key.
Config readIni(const std::filesystem::path& file);

/// The same from a stream; `name` stands for the file in messages.
Config readIni(std::istream& stream, const std::string& name);

}  // namespace litestream::config
