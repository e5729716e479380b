#pragma once

#include <litestream/Call.h>
#include <litestream/Transport.h>

#include <string>
#include <string_view>
#include <vector>

namespace litestream::file {

/// Transport::list() for the directory `root`.
std::vector<ObjectInfo> listTree(const std::string& root, std::string_view prefix, std::string_view startAfter,
                                 std::size_t limit, const CallContext& context);

}  // namespace litestream::file
