#pragma once

#include "config/Config.h"

#include <string>
#include <string_view>

namespace litestream::config {

/// Reads litestream.yml, upstream's format; config/litestream.yml describes every key. `name` stands for the file in messages.
///
/// A file that works with upstream loads: unknown keys, and known ones that have no effect here, are warnings. Throws
/// Error(InvalidArgument) in upstream's words: "yaml: line N: ...", "yaml: unmarshal errors:" with all of them, or what a value has to be.
Config readYaml(std::string_view text, const std::string& name, const ReadOptions& options = {});

}  // namespace litestream::config
