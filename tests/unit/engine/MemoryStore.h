#pragma once

#include <litestream/Error.h>
#include <litestream/Transport.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace litestream::engine {

/// An object store in memory that counts its requests and fails when it is told to. Thread-safe.
class MemoryStore final : public Transport {
public:
    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override { return {}; }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext&) override {
        std::string content;
        for (auto run = body.next(); !run.empty(); run = body.next()) {
            content.append(reinterpret_cast<const char*>(run.data()), run.size());
        }
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !held_; });
        request("PUT");
        if (options.onlyIfAbsent && objects_.contains(key)) throw Error(ErrorCode::Conflict, "put " + key + ": it exists");
        objects_[key] = {content, options.timestamp};
        changed_.notify_all();
        return content.size();
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext&) override {
        const std::lock_guard lock(mutex_);
        request("GET");
        const std::string& content = find(key).content;
        if (offset >= content.size()) return 0;
        const std::string part = content.substr(static_cast<std::size_t>(offset), into.size());
        std::transform(part.begin(), part.end(), into.begin(), [](char c) { return static_cast<std::byte>(c); });
        return part.size();
    }
    ObjectInfo head(const std::string& key, const CallContext&) override {
        const std::lock_guard lock(mutex_);
        request("HEAD");
        const Object& object = find(key);
        return {key, object.content.size(), object.timestamp};
    }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext&) override {
        const std::lock_guard lock(mutex_);
        request("LIST");
        std::vector<ObjectInfo> found;
        for (auto entry = objects_.upper_bound(std::string(startAfter)); entry != objects_.end() && found.size() < limit; ++entry) {
            // The store's own time: of no use to anybody.
            if (entry->first.starts_with(prefix)) found.push_back({entry->first, entry->second.content.size(), Timestamp{1}});
        }
        return found;
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext&) override {
        const std::lock_guard lock(mutex_);
        request("DELETE");
        for (const auto& key : keys) objects_.erase(key);
        return {};
    }

    /// From now on `failing` is asked before each request, with its operation and under the lock; it may throw.
    void fail(std::function<void(const std::string& operation)> failing) {
        const std::lock_guard lock(mutex_);
        failing_ = std::move(failing);
    }
    void heal() { fail({}); }

    /// From now on every PUT waits, until letGo().
    void hold() { setHeld(true); }
    void letGo() { setHeld(false); }

    std::map<std::string, unsigned> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    /// Waits until `count` requests with `operation` have been made, whatever became of them.
    bool waitForRequests(const std::string& operation, unsigned count) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] {
            const auto made = requests_.find(operation);
            return made != requests_.end() && made->second >= count;
        });
    }

private:
    struct Object {
        std::string content;
        Timestamp timestamp;
    };

    void setHeld(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    void request(const std::string& operation) {
        ++requests_[operation];
        changed_.notify_all();
        if (failing_) failing_(operation);
    }
    const Object& find(const std::string& key) const {
        const auto found = objects_.find(key);
        if (found == objects_.end()) throw Error(ErrorCode::NotFound, key + ": no such object");
        return found->second;
    }

    const TransportCapabilities capabilities_{LayoutFamily::Flat, true, false, true, 8};
    mutable std::mutex mutex_;  // guards everything below
    mutable std::condition_variable changed_;
    std::function<void(const std::string&)> failing_;
    bool held_ = false;
    std::map<std::string, unsigned> requests_;
    std::map<std::string, Object> objects_;
};

}  // namespace litestream::engine
