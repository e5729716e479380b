#include "migrate/Kinship.h"

#include "migrate/CheckedContent.h"

#include <litestream/Error.h>

#include <algorithm>
#include <array>
#include <vector>

namespace litestream::migrate {
namespace {

constexpr std::size_t kMostCompared = 8;
constexpr const char* kRemedy = ". Give this replica a place of its own, or empty that one first";

[[noreturn]] void refuse(const std::string& reason) {
    throw Error(ErrorCode::Conflict, "the destination holds another database's replica: " + reason + kRemedy);
}

bool isSound(const ObjectReader& reader, const Object& object, const ltx::CodecSet& codecs, Patience& patience) {
    const auto piece = [&](std::uint64_t offset, MutableBytes into) {
        patience.run("get " + object.key(), into.size(), [&](const CallContext& context) {
            reader.read(object.key(), offset, into, context);
            return true;
        });
    };
    try {
        checkObject(object, piece, codecs);
        return true;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::NotFound) return false;
        throw;
    }
}

/// What is at both ends, newest first: by time of writing in v0.3, by TXID in v0.5.
std::vector<std::pair<Object, Object>> common(const Inventory& source, const Inventory& destination) {
    std::vector<std::pair<Object, Object>> both;
    for (const Object& object : source.objects) {
        if (const Object* other = destination.find(object.id)) both.emplace_back(object, *other);
    }
    const auto newer = [](const auto& a, const auto& b) {
        const bool ltx = isLtx(a.first.id);
        if (ltx != isLtx(b.first.id)) return ltx;
        if (!ltx) return a.first.timestamp > b.first.timestamp;
        const auto& one = std::get<replica::FileId>(a.first.id);
        const auto& other = std::get<replica::FileId>(b.first.id);
        return one.range.max != other.range.max ? one.range.max > other.range.max : one.level < other.level;
    };
    const std::size_t most = std::min(both.size(), kMostCompared);
    std::partial_sort(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(most), both.end(), newer);
    both.resize(most);
    return both;
}

/// The lineage in the newest LTX file; 0 = none, or upstream's.
std::uint64_t lineage(const ObjectReader& reader, const Inventory& inventory, Patience& patience) {
    const Object* newest = nullptr;
    const auto reaches = [](const Object& object) { return std::get<replica::FileId>(object.id).range.max; };
    for (const Object& object : inventory.objects) {
        if (isLtx(object.id) && (newest == nullptr || reaches(object) > reaches(*newest))) newest = &object;
    }
    if (newest == nullptr || newest->size < ltx::kHeaderSize) return 0;
    std::array<std::byte, ltx::kHeaderSize> bytes{};
    patience.run("get " + newest->key(), bytes.size(), [&](const CallContext& context) {
        reader.read(newest->key(), 0, bytes, context);
        return true;
    });
    try {
        return ltx::decodeHeader(bytes).nodeId;
    } catch (const Error&) {
        return 0;  // a damaged file proves nothing
    }
}

}  // namespace

bool isSame(const Ends& ends, const Object& source, const Object& destination, Patience& patience) {
    if (source.size != destination.size) return false;
    const auto ending = [&](const ObjectReader& reader, const Object& object) {
        return patience.run("get " + object.key(), 0, [&](const CallContext& context) { return reader.ending(object, context); });
    };
    const auto agree = [&] { return ending(ends.from, source) == ending(ends.to, destination); };
    // Nothing tells whether a piece was damaged on the way, so a difference has to be seen twice.
    return agree() || agree();
}

void requireSameReplica(const Ends& ends, const Inventory& source, const Inventory& destination, const ltx::CodecSet& codecs,
                        Patience& patience) {
    if (destination.objects.empty()) return;
    const auto both = common(source, destination);
    for (const auto& [mine, other] : both) {
        if (isSame(ends, mine, other, patience)) return;
        // What is damaged at the source says nothing about whose the destination is.
        if (isSound(ends.from, mine, codecs, patience)) refuse(other.key() + " is not the same there");
    }
    const std::uint64_t own = lineage(ends.from, source, patience);
    if (own != 0 && own == lineage(ends.to, destination, patience)) return;
    refuse(both.empty() ? "nothing there is also at the source" : "nothing sound is the same there");
}

}  // namespace litestream::migrate
