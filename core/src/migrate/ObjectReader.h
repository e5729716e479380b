#pragma once

#include "migrate/Inventory.h"
#include "transport/RateLimit.h"

#include <litestream/Transport.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace litestream::migrate {

/// The last bytes of an object: in an LTX file its trailer, in one of v0.3 its content checksum.
using Ending = std::array<std::byte, 16>;

/// Reads objects of one root in pieces of bounded size. Every byte read counts for `rate`, which may be null. Thread-safe.
class ObjectReader {
public:
    ObjectReader(Transport& transport, std::shared_ptr<transport::RateLimit> rate) : transport_(transport), rate_(std::move(rate)) {}

    static constexpr std::size_t kPiece = 1u << 20;

    /// Fills `into` from `offset`; an object that ends before is Error(Corrupt).
    void read(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) const;

    /// The end of an object of at least 16 bytes; of a shorter one all of it, and zeros.
    Ending ending(const Object& object, const CallContext& context) const;

    Transport& transport() const noexcept { return transport_; }

private:
    Transport& transport_;
    const std::shared_ptr<transport::RateLimit> rate_;  // shared with the other root's reader
};

}  // namespace litestream::migrate
