#pragma once

#include "util/Clock.h"

#include <litestream/Error.h>
#include <litestream/Transport.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace litestream::test {

/// An object store in memory that counts its requests and fails when it is told to. Thread-safe.
class MemoryStore final : public Transport {
public:
    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override { return {}; }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        stall("PUT", context);
        std::string content;
        for (auto run = body.next(); !run.empty(); run = body.next()) {
            content.append(reinterpret_cast<const char*>(run.data()), run.size());
        }
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !held_; });
        request("PUT");
        if (arrival_) arrival_(content);
        if (options.onlyIfAbsent && objects_.contains(key)) throw Error(ErrorCode::Conflict, "put " + key + ": it exists");
        objects_[key] = {content, options.timestamp};
        changed_.notify_all();
        return content.size();
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        stall("GET", context);
        const std::lock_guard lock(mutex_);
        request("GET");
        const std::string& content = find(key).content;
        if (offset >= content.size()) return 0;
        std::string part = content.substr(static_cast<std::size_t>(offset), into.size());
        if (flipIn_ > 0 && --flipIn_ == 0) part[part.size() / 2] ^= 1;
        std::transform(part.begin(), part.end(), into.begin(), [](char c) { return static_cast<std::byte>(c); });
        return part.size();
    }
    ObjectInfo head(const std::string& key, const CallContext& context) override {
        stall("HEAD", context);
        const std::lock_guard lock(mutex_);
        request("HEAD");
        const Object& object = find(key);
        return {key, object.content.size(), object.timestamp};
    }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        stall("LIST", context);
        const std::lock_guard lock(mutex_);
        request("LIST");
        std::vector<ObjectInfo> found;
        for (auto entry = objects_.upper_bound(std::string(startAfter)); entry != objects_.end() && found.size() < limit; ++entry) {
            // The store's own time.
            if (entry->first.starts_with(prefix)) found.push_back({entry->first, entry->second.content.size(), entry->second.stored});
        }
        return found;
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        stall("DELETE", context);
        const std::lock_guard lock(mutex_);
        request("DELETE");
        std::vector<RemoveFailure> failures;
        for (const auto& key : keys) {
            if (unremovable_ && unremovable_(key)) {
                failures.push_back({key, "access denied"});
            } else {
                objects_.erase(key);
            }
        }
        return failures;
    }

    /// From now on `failing` is asked before each request, with its operation and under the lock; it may throw.
    void fail(std::function<void(const std::string& operation)> failing) {
        const std::lock_guard lock(mutex_);
        failing_ = std::move(failing);
    }
    void heal() { fail({}); }

    /// From now on `arrival` may change what a PUT brings before it is stored.
    void damage(std::function<void(std::string& content)> arrival) {
        const std::lock_guard lock(mutex_);
        arrival_ = std::move(arrival);
    }
    /// The next GET but `skip` brings a wrong bit. From the functions of fail() and damage(), too.
    void flip(unsigned skip = 0) { flipIn_ = skip + 1; }
    /// Keys for which this is true are not removed from now on.
    void keep(std::function<bool(const std::string& key)> unremovable) {
        const std::lock_guard lock(mutex_);
        unremovable_ = std::move(unremovable);
    }

    std::vector<std::string> keys() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> keys;
        for (const auto& [key, object] : objects_) keys.push_back(key);
        return keys;
    }
    /// The bytes of an object, to be looked at or damaged. Nobody else may use the store meanwhile.
    std::string& content(const std::string& key) { return objects_.at(key).content; }
    /// Not through a request.
    void insert(const std::string& key, std::string content, Timestamp timestamp) {
        const std::lock_guard lock(mutex_);
        objects_[key] = {std::move(content), timestamp};
    }
    void erase(const std::string& key) {
        const std::lock_guard lock(mutex_);
        objects_.erase(key);
    }

    /// From now on requests with these operations hang until they are cancelled, whatever their deadline; none = no longer.
    void stall(std::set<std::string> operations) {
        const std::lock_guard lock(mutex_);
        stalled_ = std::move(operations);
        changed_.notify_all();
    }

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
        Timestamp stored = SystemWallClock().now();
    };

    void setHeld(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    void stall(const std::string& operation, const CallContext& context) {
        std::unique_lock lock(mutex_);
        if (!stalled_.contains(operation)) return;
        ++requests_[operation];
        changed_.notify_all();
        while (stalled_.contains(operation)) {
            if (context.cancellation.cancelled()) throw Error(ErrorCode::Cancelled, operation + ": cancelled");
            changed_.wait_for(lock, std::chrono::milliseconds(2));
        }
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

    const TransportCapabilities capabilities_{LayoutFamily::Flat, true, false, true, true, 8};
    mutable std::mutex mutex_;  // guards everything below
    mutable std::condition_variable changed_;
    std::function<void(const std::string&)> failing_;
    std::function<void(std::string&)> arrival_;
    std::atomic<unsigned> flipIn_{0};  ///< GETs until one brings a wrong bit; 0 = none does
    std::function<bool(const std::string&)> unremovable_;
    bool held_ = false;
    std::set<std::string> stalled_;
    std::map<std::string, unsigned> requests_;
    std::map<std::string, Object> objects_;
};

/// A store as a transport that does not own it.
class BorrowedStore final : public Transport {
public:
    explicit BorrowedStore(Transport& store) : store_(store) {}
    const TransportCapabilities& capabilities() const noexcept override { return store_.capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return store_.describe(); }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        return store_.put(key, body, options, context);
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        return store_.get(key, offset, into, context);
    }
    ObjectInfo head(const std::string& key, const CallContext& context) override { return store_.head(key, context); }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit, const CallContext& context) override {
        return store_.list(prefix, startAfter, limit, context);
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        return store_.remove(keys, context);
    }

private:
    Transport& store_;
};

}  // namespace litestream::test
