#pragma once

#include "plugin/Registry.h"

namespace litestream::plugin {

/// The values a plugin gets: `given` with defaults filled in and paths made absolute. Throws Error(InvalidArgument), naming the
/// plugin, for an option that is unknown, missing or of another type.
OptionValues completeOptions(const LoadedPlugin& plugin, const OptionValues& given);

/// Sets one option from its text, a Secret where it is declared as one. Throws Error(InvalidArgument) when `text` does not have the
/// declared type; the message never shows a secret.
void setOption(OptionValues& values, const Option& option, const std::string& text);

}  // namespace litestream::plugin
