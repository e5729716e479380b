#pragma once

#include "migrate/ObjectId.h"
#include "migrate/Patience.h"

#include <litestream/Transport.h>

#include <span>
#include <string>
#include <vector>

namespace litestream::migrate {

/// An object as a listing tells.
struct Object {
    ObjectId id;
    std::uint64_t size = 0;
    Timestamp timestamp = {};  ///< the listing's: see TransportCapabilities::listsTimestamp
    LayoutFamily family = LayoutFamily::Tree;

    std::string key() const { return keyOf(id, family); }
};

/// What lies at one root.
struct Inventory {
    std::vector<Object> objects;            ///< by id, each id once
    std::uint64_t unknown = 0;              ///< objects that no replica has
    std::vector<std::string> unknownKeys;   ///< the first of them

    const Object* find(const ObjectId& id) const noexcept;
    void insert(const Object& object);
};

/// Lists everything below `prefixes`. An object that lies there in both families is listed in the transport's own.
Inventory takeInventory(Transport& transport, std::span<const std::string> prefixes, Patience& patience);

/// Where a transport keeps the objects of replicas.
std::vector<std::string> replicaPrefixes(const Transport& transport);

/// The roots of all replicas below the transport's root, ascending; each one is "" or ends with '/'.
std::vector<std::string> findReplicas(Transport& transport, Patience& patience);

/// Calls `found` for every object with this prefix whose key is greater than `startAfter`.
void listEach(Transport& transport, const std::string& prefix, std::string startAfter, Patience& patience,
              const std::function<void(const ObjectInfo&)>& found);

}  // namespace litestream::migrate
