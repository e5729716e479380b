#include "NewKey.h"

#include <litestream/Error.h>
#include <litestream/Key.h>

#include <string>

namespace litestream::file {

bool isTemporaryName(std::string_view name) noexcept { return name.ends_with(".tmp"); }

void checkNewKey(std::string_view key) {
    checkKey(key);
    if (isTemporaryName(key)) {
        throw Error(ErrorCode::InvalidArgument,
                    "key \"" + std::string(key) + "\": ends with .tmp, the mark of unfinished files");
    }
}

}  // namespace litestream::file
