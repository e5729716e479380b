#pragma once

#include <litestream/Key.h>
#include <litestream/Plugin.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// A transport that is right: objects in the memory of the process, the same for all instances. Each faulty one of this folder overrides what it
/// gets wrong, so that its file shows the fault and nothing else.
namespace litestream::faults {

struct Object {
    std::string content;
    Timestamp timestamp;
};

class MemoryTransport : public Transport {
public:
    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override {
        return {{"memory", "of the process"}};
    }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        begin("put", key, context);
        std::string content = read(body, context);
        const std::uint64_t size = content.size();
        store(key, {std::move(content), options.timestamp}, options.onlyIfAbsent);
        return size;
    }

    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override {
        begin("get", key, context);
        return copy(find("get", key).content, offset, into);
    }

    ObjectInfo head(const std::string& key, const CallContext& context) override {
        begin("head", key, context);
        const Object object = find("head", key);
        return {key, object.content.size(), object.timestamp};
    }

    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        context.check("list");
        const std::lock_guard lock(mutex());
        std::vector<ObjectInfo> found;
        for (const auto& [key, object] : objects()) {
            if (key > startAfter && key.starts_with(prefix) && found.size() < limit)
                found.push_back({key, object.content.size(), object.timestamp});
        }
        return found;
    }

    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        for (const std::string& key : keys) checkKey(key);
        context.check("remove");
        const std::lock_guard lock(mutex());
        for (const std::string& key : keys) objects().erase(key);
        return {};
    }

protected:
    static void begin(const char* operation, const std::string& key, const CallContext& context) {
        checkKey(key);
        context.check(operation);
    }

    static std::string read(Body& body, const CallContext& context) {
        std::string content;
        for (;;) {
            const ConstBytes run = body.next();
            context.check("put");
            if (run.empty()) return content;
            content.append(reinterpret_cast<const char*>(run.data()), run.size());
        }
    }

    static Object find(const char* operation, const std::string& key) {
        const std::lock_guard lock(mutex());
        const auto found = objects().find(key);
        if (found == objects().end())
            throw Error(ErrorCode::NotFound, std::string(operation) + " " + key + ": no such object");
        return found->second;
    }

    static bool exists(const std::string& key) {
        const std::lock_guard lock(mutex());
        return objects().contains(key);
    }

    static void store(const std::string& key, Object object, bool onlyIfAbsent = false) {
        const std::lock_guard lock(mutex());
        if (onlyIfAbsent && objects().contains(key))
            throw Error(ErrorCode::Conflict, "put " + key + ": exists already");
        objects().insert_or_assign(key, std::move(object));
    }

    static std::size_t copy(const std::string& content, std::uint64_t offset, MutableBytes into) {
        if (offset >= content.size()) return 0;
        const std::size_t count = std::min<std::size_t>(into.size(), content.size() - offset);
        std::memcpy(into.data(), content.data() + offset, count);
        return count;
    }

    static std::map<std::string, Object>& objects() {
        static std::map<std::string, Object> all;
        return all;
    }
    static std::mutex& mutex() {
        static std::mutex one;  // guards objects()
        return one;
    }

private:
    TransportCapabilities capabilities_{.conditionalPut = true, .listsTimestamp = true};
};

template <class Faulty>
class FaultyTransportPlugin final : public TransportPlugin {
public:
    OptionValues parseUrl(std::string_view) const override { return {}; }
    std::unique_ptr<Transport> open(const OptionValues&) override { return std::make_unique<Faulty>(); }
};

/// Stands at the end of a faulty transport's file. NAME is the file's, and says what is wrong.
#define LITESTREAM_FAULTY_TRANSPORT(NAME, CLASS)                                       \
    LITESTREAM_DECLARE_TRANSPORT(NAME, "1.0.0", "is wrong in one way", nullptr, 0, "", \
                                 ::litestream::faults::FaultyTransportPlugin<CLASS>)

}  // namespace litestream::faults
