#include "migrate/Subtree.h"

namespace litestream::migrate {

std::uint64_t Subtree::put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) {
    return whole_.put(root_ + key, body, options, context);
}

std::size_t Subtree::get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) {
    return whole_.get(root_ + key, offset, into, context);
}

ObjectInfo Subtree::head(const std::string& key, const CallContext& context) {
    ObjectInfo info = whole_.head(root_ + key, context);
    info.key = key;
    return info;
}

std::vector<ObjectInfo> Subtree::list(std::string_view prefix, std::string_view startAfter, std::size_t limit, const CallContext& context) {
    const std::string from = startAfter.empty() ? std::string() : root_ + std::string(startAfter);
    auto found = whole_.list(root_ + std::string(prefix), from, limit, context);
    for (ObjectInfo& info : found) info.key.erase(0, root_.size());
    return found;
}

std::vector<RemoveFailure> Subtree::remove(std::span<const std::string> keys, const CallContext& context) {
    std::vector<std::string> whole;
    for (const std::string& key : keys) whole.push_back(root_ + key);
    auto failures = whole_.remove(whole, context);
    for (RemoveFailure& failure : failures) failure.key.erase(0, root_.size());
    return failures;
}

}  // namespace litestream::migrate
