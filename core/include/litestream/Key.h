#pragma once

#include <litestream/Export.h>

#include <string_view>

namespace litestream {

/// Throws Error(InvalidArgument), naming the key and the rule, for whatever is no key of an object (Transport.h). Every transport calls it
/// before anything else.
LITESTREAM_SDK void checkKey(std::string_view key);

}  // namespace litestream
