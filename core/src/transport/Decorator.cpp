#include "transport/Decorator.h"

namespace litestream::transport {

std::string_view name(Operation operation) noexcept {
    constexpr std::string_view kNames[kOperations] = {"PUT", "GET", "HEAD", "LIST", "DELETE"};
    return kNames[static_cast<std::size_t>(operation)];
}

std::uint64_t Decorator::put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) {
    Request request{Operation::Put, key, context};
    bool used = false;
    around(request, [&] {
        if (std::exchange(used, true)) body.rewind();
        request.bytes = inner_->put(key, body, options, context);
    });
    return request.bytes;
}

std::size_t Decorator::get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) {
    Request request{Operation::Get, key, context};
    std::size_t count = 0;
    around(request, [&] { request.bytes = count = inner_->get(key, offset, into, context); });
    return count;
}

ObjectInfo Decorator::head(const std::string& key, const CallContext& context) {
    Request request{Operation::Head, key, context};
    ObjectInfo info;
    around(request, [&] { info = inner_->head(key, context); });
    return info;
}

std::vector<ObjectInfo> Decorator::list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                        const CallContext& context) {
    Request request{Operation::List, prefix, context};
    std::vector<ObjectInfo> found;
    around(request, [&] { found = inner_->list(prefix, startAfter, limit, context); });
    return found;
}

std::vector<RemoveFailure> Decorator::remove(std::span<const std::string> keys, const CallContext& context) {
    Request request{Operation::Remove, keys.empty() ? std::string_view() : keys.front(), context};
    std::vector<RemoveFailure> failures;
    around(request, [&] { failures = inner_->remove(keys, context); });
    return failures;
}

}  // namespace litestream::transport
