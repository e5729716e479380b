#pragma once

#include "plugin/Registry.h"

namespace litestream::plugin {

/// The values a plugin gets: `given` with defaults filled in and paths made absolute. Throws Error(InvalidArgument), naming the
/// plugin, for an option that is unknown, missing or of another type.
OptionValues completeOptions(const LoadedPlugin& plugin, const OptionValues& given);

/// Throws Error(InvalidArgument) when `value` is no text of the type. Never shows a secret.
void checkOptionType(OptionType type, const std::string& value);

}  // namespace litestream::plugin
