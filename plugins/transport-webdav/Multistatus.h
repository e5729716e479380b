#pragma once

#include <litestream/Types.h>

#include <cstdint>
#include <functional>
#include <istream>
#include <string>

namespace litestream::webdav {

/// What a PROPFIND tells of one resource.
struct Resource {
    std::string path;  ///< decoded, from the server's root, without a slash at its end
    bool isFolder = false;
    std::uint64_t size = 0;
    Timestamp modified;  ///< whole seconds; 0 when the server does not tell
};

/// The body of a PROPFIND for what a Resource has.
extern const std::string kPropfindBody;

/// Reads a multistatus document (RFC 4918, 13) while it comes and hands out its resources in the server's order. Properties without
/// success, resources without success and what is no path are left out. Throws Error(Transient), naming `operation`, for what is no
/// such document or not a whole one.
void readMultistatus(std::istream& document, const std::string& operation, const std::function<void(Resource)>& take);

}  // namespace litestream::webdav
