#pragma once

#include "ltx/Decoder.h"
#include "migrate/ObjectId.h"

#include <memory>
#include <optional>

namespace litestream::migrate {

/// Checks one object while it is read, from its first byte to its last: an LTX file is decoded whole, with all its checksums, and its header must
/// say what its name says; a file of v0.3 must be one LZ4 frame, with its checksums.
///
/// It reads as far as it goes by itself; whoever wants the bytes takes them on their way through the source.
class ContentCheck {
public:
    virtual ~ContentCheck() = default;

    /// The time that the content tells; nothing for v0.3.
    virtual std::optional<Timestamp> timestamp() const = 0;

    /// Reads to the end. Throws Error(Corrupt), and Error(Unsupported) for what no plugin at hand can read.
    virtual void finish() = 0;
};

/// Begins a check: reads what the content begins with. Errors as finish(). `codecs` outlives the check.
std::unique_ptr<ContentCheck> beginCheck(const ObjectId& id, ltx::ByteSource source, const ltx::CodecSet& codecs);

}  // namespace litestream::migrate
