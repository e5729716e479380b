#include "migrate/ObjectReader.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::migrate {

void ObjectReader::read(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) const {
    // The wait for bandwidth is no slowness of the store, so the deadline is not for it.
    if (rate_) rate_->takeBytes(into.size(), {CallContext::Clock::time_point::max(), context.cancellation});
    const std::size_t got = transport_.get(key, offset, into, context);
    if (got == into.size()) return;
    throw Error(ErrorCode::Corrupt, "the object ends at byte " + std::to_string(offset + got) + ", the listing says it is longer");
}

Ending ObjectReader::ending(const Object& object, const CallContext& context) const {
    Ending bytes{};
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(object.size, bytes.size()));
    if (size > 0) read(object.key(), object.size - size, MutableBytes(bytes).first(size), context);
    return bytes;
}

}  // namespace litestream::migrate
