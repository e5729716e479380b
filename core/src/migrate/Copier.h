#pragma once

#include "ltx/CodecSet.h"
#include "migrate/CheckedContent.h"
#include "migrate/Kinship.h"
#include "migrate/ObjectReader.h"
#include "migrate/Patience.h"

#include <litestream/Error.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace litestream::migrate {

/// Copies single objects and judges them. What is wrong with one object is returned; what is wrong with more than one is thrown: a store that does not answer or
/// does not let us in, a full disk, the order to stop.
///
/// Thread-safe. What the constructor takes outlives the copier.
class Copier {
public:
    /// `onBytes` is told of every piece of an object that was read to be copied.
    Copier(Transport& from, Transport& to, std::shared_ptr<transport::RateLimit> rate, const ltx::CodecSet& codecs, Patience& patience,
           std::function<void(std::uint64_t)> onBytes);

    /// Calls `beforePut`, which may wait, when nothing of the object has been sent yet; reading and checking may have gone on before. The reason why the object is
    /// not to be had: NotFound = it is gone from the source, Conflict = another one is at the destination, else it is damaged or may not be read.
    std::optional<Error> copy(const Object& object, const std::function<void()>& beforePut) const;

    /// The reason why `there`, at the destination, is not the same as `object`; NotFound = one of them is gone.
    std::optional<Error> compare(const Object& object, const Object& there) const;

    /// Reads the copy of `object` back, and tells what is wrong with it.
    std::optional<Error> verify(const Object& object) const;

    /// The same object as it is called at the destination.
    Object atDestination(const Object& object) const;

    Ends ends() const noexcept { return {from_, to_}; }

private:
    std::optional<Error> copyOnce(const Object& object, const std::function<void()>& beforePut) const;
    void put(const Object& object, CheckedContent& content, Timestamp timestamp) const;
    Timestamp timestampOf(const Object& object) const;
    PieceReader pieces(const ObjectReader& reader, const Object& object, const std::function<void(std::uint64_t)>& onBytes) const;

    const ObjectReader from_;
    const ObjectReader to_;
    const ltx::CodecSet& codecs_;
    Patience& patience_;
    const std::function<void(std::uint64_t)> onBytes_;
};

}  // namespace litestream::migrate
