#pragma once

#include "support/ErrorOf.h"
#include "transport/Timing.h"

#include <litestream/Error.h>
#include <litestream/Transport.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace litestream::transport::test {

using std::chrono::milliseconds;

/// Time that passes only while somebody waits.
class FakeTiming final : public Timing {
public:
    Clock::time_point now() const override { return now_; }
    void wait(Clock::duration time, const CancellationToken& token) override {
        waits.push_back(std::chrono::duration_cast<milliseconds>(time));
        now_ += time;
        if (onWait) onWait();
        (void)token;
    }
    double random() override { return chance; }

    void pass(Clock::duration time) { now_ += time; }

    std::vector<milliseconds> waits;
    std::function<void()> onWait;
    double chance = 0.5;

private:
    Clock::time_point now_ = Clock::now();
};

/// A store in memory that does for each request what the next step of its script says; without one it does what it is asked.
class ScriptedTransport final : public Transport {
public:
    /// Throws or not; `store` puts the object into the store (only in a put).
    using Step = std::function<void(const std::function<void()>& store)>;

    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override { return {{"path", "/scripted"}}; }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext&) override {
        std::string content;
        for (auto run = body.next(); !run.empty(); run = body.next()) {
            content.append(reinterpret_cast<const char*>(run.data()), run.size());
        }
        const auto store = [&] {
            if (options.onlyIfAbsent && objects.contains(key)) throw Error(ErrorCode::Conflict, "put " + key + ": exists");
            objects[key] = content;
        };
        step("PUT " + key, store);
        return content.size();
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext&) override {
        step("GET " + key);
        const std::string content = objects.at(key).substr(static_cast<std::size_t>(offset), into.size());
        std::transform(content.begin(), content.end(), into.begin(), [](char c) { return static_cast<std::byte>(c); });
        return content.size();
    }
    ObjectInfo head(const std::string& key, const CallContext&) override {
        step("HEAD " + key);
        return {key, objects.at(key).size(), {}};
    }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view, std::size_t, const CallContext&) override {
        step("LIST " + std::string(prefix));
        std::vector<ObjectInfo> found;
        for (const auto& [key, content] : objects) found.push_back({key, content.size(), {}});
        return found;
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext&) override {
        step("DELETE " + keys.front());
        for (const auto& key : keys) objects.erase(key);
        return {};
    }

    std::map<std::string, std::string> objects;
    std::deque<Step> script;
    std::vector<std::string> requests;
    std::function<void()> onRequest;

private:
    void step(const std::string& request, const std::function<void()>& store = [] {}) {
        requests.push_back(request);
        if (onRequest) onRequest();
        if (script.empty()) return store();
        const Step next = std::move(script.front());
        script.pop_front();
        next(store);
    }

    const TransportCapabilities capabilities_{LayoutFamily::Flat, true, false, true, true, 7};
};

inline ScriptedTransport::Step fail(ErrorCode code, const std::string& text = "connection reset by peer") {
    return [=](const auto&) { throw Error(code, text); };
}
/// The store takes the object and the answer is lost.
inline ScriptedTransport::Step loseAnswer() {
    return [](const auto& store) {
        store();
        throw Error(ErrorCode::Transient, "connection reset by peer");
    };
}

/// A few runs of text.
class TextBody final : public Body {
public:
    explicit TextBody(std::vector<std::string> runs) : runs_(std::move(runs)) {}

    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    ConstBytes next() override {
        if (next_ == runs_.size()) return {};
        return std::as_bytes(std::span(runs_[next_++]));
    }
    void rewind() override { next_ = 0; }

private:
    const std::vector<std::string> runs_;
    std::size_t next_ = 0;
};

using litestream::test::errorOf;

}  // namespace litestream::transport::test
