#pragma once

#include "ltx/CodecSet.h"
#include "migrate/ContentCheck.h"
#include "migrate/ObjectReader.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace litestream::migrate {

/// The content of an object of the source, on its way to the destination: its last bytes are handed out only when all of it has been checked. Whoever
/// reads it to the end has a whole and sound object; anything else throws before.
class CheckedContent : public Body {
public:
    /// The time that the object is to have at the destination, where its content tells one.
    virtual std::optional<Timestamp> timestamp() = 0;
    /// What made next() throw last, if it was the source and not whoever reads.
    virtual std::optional<Error> failure() const = 0;
};

/// How a piece of an object is read: fills `into` from `offset`, with its own patience.
using PieceReader = std::function<void(std::uint64_t offset, MutableBytes into)>;

/// Objects up to this size are read and checked before they are sent, larger ones while.
inline constexpr std::uint64_t kWholeInMemory = 4u << 20;

/// How much memory it takes to send an object, what a transport may hold of it included.
std::uint64_t memoryFor(const Object& object) noexcept;

/// Throws what reading and checking throws, at once for a small object. `codecs` outlives the result.
std::unique_ptr<CheckedContent> openChecked(const Object& object, PieceReader reader, const ltx::CodecSet& codecs);

/// Reads and checks an object and keeps nothing of it. Errors as ContentCheck.
void checkObject(const Object& object, const PieceReader& reader, const ltx::CodecSet& codecs);

}  // namespace litestream::migrate
