#pragma once

#include "ltx/CodecSet.h"
#include "migrate/Inventory.h"
#include "migrate/ObjectReader.h"

namespace litestream::migrate {

/// Both ends of a migration.
struct Ends {
    const ObjectReader& from;
    const ObjectReader& to;
};

/// True when `at` both ends is the same object: size and ending agree. An ending is a checksum of all of it.
bool isSame(const Ends& ends, const Object& source, const Object& destination, Patience& patience);

/// Throws Error(Conflict), with a remedy, unless the destination is empty or holds a part of the same replica. Proof is one object that is the same at
/// both ends, the newest one that is sound; where none is at both, the lineage that our own writer leaves in its files.
void requireSameReplica(const Ends& ends, const Inventory& source, const Inventory& destination, const ltx::CodecSet& codecs,
                        Patience& patience);

}  // namespace litestream::migrate
