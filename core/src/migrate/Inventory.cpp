#include "migrate/Inventory.h"

#include <algorithm>
#include <set>

namespace litestream::migrate {
namespace {

constexpr std::size_t kListPage = 1000;
constexpr std::size_t kUnknownNamed = 20;

bool before(const Object& object, const ObjectId& id) noexcept { return object.id < id; }

}  // namespace

const Object* Inventory::find(const ObjectId& id) const noexcept {
    const auto place = std::lower_bound(objects.begin(), objects.end(), id, before);
    return place != objects.end() && place->id == id ? &*place : nullptr;
}

void Inventory::insert(const Object& object) {
    const auto place = std::lower_bound(objects.begin(), objects.end(), object.id, before);
    if (place != objects.end() && place->id == object.id) {
        *place = object;
    } else {
        objects.insert(place, object);
    }
}

void listEach(Transport& transport, const std::string& prefix, std::string startAfter, Patience& patience,
              const std::function<void(const ObjectInfo&)>& found) {
    for (;;) {
        const auto page = patience.run("list " + prefix, 0, [&](const CallContext& context) {
            return transport.list(prefix, startAfter, kListPage, context);
        });
        for (const ObjectInfo& object : page) found(object);
        if (page.size() < kListPage) return;
        if (page.back().key <= startAfter) {
            throw Error(ErrorCode::Corrupt, "list " + prefix + ": the listing does not go on behind " + startAfter);
        }
        startAfter = page.back().key;
    }
}

Inventory takeInventory(Transport& transport, std::span<const std::string> prefixes, Patience& patience) {
    Inventory inventory;
    const LayoutFamily own = transport.capabilities().layout;
    const auto add = [&](const ObjectInfo& info) {
        const auto parsed = parseKey(info.key);
        if (parsed) {
            inventory.objects.push_back({parsed->id, info.size, info.timestamp, parsed->family});
        } else if (++inventory.unknown <= kUnknownNamed) {
            inventory.unknownKeys.push_back(info.key);
        }
    };
    for (const std::string& prefix : prefixes) listEach(transport, prefix, {}, patience, add);
    const auto order = [&](const Object& a, const Object& b) {
        return a.id == b.id ? (a.family == own) > (b.family == own) : a.id < b.id;
    };
    std::sort(inventory.objects.begin(), inventory.objects.end(), order);
    const auto sameId = [](const Object& a, const Object& b) { return a.id == b.id; };
    const auto end = std::unique(inventory.objects.begin(), inventory.objects.end(), sameId);
    inventory.objects.erase(end, inventory.objects.end());
    return inventory;
}

std::vector<std::string> replicaPrefixes(const Transport& transport) {
    return {std::string(replica::Layout(transport.capabilities().layout).prefix()), std::string(kGenerations)};
}

std::vector<std::string> findReplicas(Transport& transport, Patience& patience) {
    std::set<std::string, std::less<>> roots;
    listEach(transport, {}, {}, patience, [&](const ObjectInfo& info) {
        const auto placed = findReplicaKey(info.key);
        if (placed && !roots.contains(placed->root)) roots.emplace(placed->root);
    });
    return {roots.begin(), roots.end()};
}

}  // namespace litestream::migrate
