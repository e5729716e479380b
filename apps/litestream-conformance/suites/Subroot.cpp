#include "Subroot.h"

namespace litestream::conformance {

namespace {

constexpr std::size_t kPage = 1000;

std::vector<std::string> keysBehind(Transport& transport, const std::string& after) {
    std::vector<std::string> keys;
    for (const ObjectInfo& info : transport.list("", after, kPage, {})) keys.push_back(info.key);
    return keys;
}

}  // namespace

std::uint64_t Subroot::put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) {
    return below_->put(prefix_ + key, body, options, context);
}

std::size_t Subroot::get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) {
    return below_->get(prefix_ + key, offset, into, context);
}

ObjectInfo Subroot::head(const std::string& key, const CallContext& context) {
    ObjectInfo info = below_->head(prefix_ + key, context);
    info.key = without(std::move(info.key));
    return info;
}

std::vector<ObjectInfo> Subroot::list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                      const CallContext& context) {
    const std::string after = startAfter.empty() ? std::string() : prefix_ + std::string(startAfter);
    auto found = below_->list(prefix_ + std::string(prefix), after, limit, context);
    for (ObjectInfo& info : found) info.key = without(std::move(info.key));
    return found;
}

std::vector<RemoveFailure> Subroot::remove(std::span<const std::string> keys, const CallContext& context) {
    std::vector<std::string> prefixed;
    for (const std::string& key : keys) prefixed.push_back(prefix_ + key);
    auto failures = below_->remove(prefixed, context);
    for (RemoveFailure& failure : failures) failure.key = without(std::move(failure.key));
    return failures;
}

std::string Subroot::without(std::string key) const {
    return key.starts_with(prefix_) ? key.substr(prefix_.size()) : std::move(key);
}

std::size_t removeAll(Transport& transport) {
    std::string after;
    for (;;) {
        const auto keys = keysBehind(transport, after);
        if (keys.empty()) break;
        transport.remove(keys, {});
        if (keys.back() <= after) break;
        after = keys.back();
    }
    return keysBehind(transport, "").size();
}

}  // namespace litestream::conformance
