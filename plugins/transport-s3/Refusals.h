#pragma once

#include "Answer.h"

#include <litestream/Error.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace litestream::s3 {

/// Where and what for a refusal was met: its text needs it.
struct RefusedCall {
    std::string operation;        ///< "put 0000/0000000000000001-0000000000000001.ltx"
    std::string bucket;
    std::string_view permission;  ///< "s3:PutObject"
    std::chrono::seconds clockDifference{0};  ///< the store's clock minus ours
};

/// The Error that a refusal becomes: "put KEY: CODE: MESSAGE (status 403, request id X). Remedy."
Error errorOf(const Refusal& refusal, const RefusedCall& call);

}  // namespace litestream::s3
