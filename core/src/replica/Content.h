#pragma once

#include <litestream/Transport.h>

#include <cstdint>
#include <memory>

namespace litestream::replica {

/// Bytes that wait to be uploaded, perhaps several times and to several places. Thread-safe.
class Content {
public:
    virtual ~Content() = default;

    /// A reader of its own for one attempt. It may keep the content alive.
    virtual std::unique_ptr<Body> open() const = 0;

    /// Bytes and LTX file checksum, for telling a lost answer from another writer. Size 0 when not known beforehand: a
    /// conflict is then always another writer.
    virtual std::uint64_t size() const noexcept = 0;
    virtual std::uint64_t fileChecksum() const noexcept = 0;

    /// Bytes, roughly and rather too many: how long an upload may take follows from it.
    virtual std::uint64_t expectedSize() const noexcept { return size(); }
};

}  // namespace litestream::replica
