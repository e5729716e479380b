#pragma once

#include "Credentials.h"

#include <optional>

namespace litestream::s3 {

/// One link of the chain. Used by one thread at a time.
class CredentialSource {
public:
    virtual ~CredentialSource() = default;

    /// Absent when this source is not set up here, so that the next one is asked. Throws Error when it is set up and
    /// does not work: asking on would sign as somebody else than the user meant.
    virtual std::optional<Credentials> fetch(const CallContext& context) = 0;

    /// What fetch() gave may be different now, without having expired. Cheap: asked before every request.
    virtual bool changed() { return false; }
};

}  // namespace litestream::s3
