#include "Leftovers.h"

#include "Client.h"

#include <litestream/Error.h>

#include <exception>

namespace litestream::webdav {

namespace {

constexpr std::size_t kMost = 100;
constexpr int kAtATime = 4;

}  // namespace

void Leftovers::add(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (keys_.size() < kMost) keys_.insert(key);
}

void Leftovers::remove(Client& client, const CallContext& context) noexcept {
    try {
        for (int i = 0; i < kAtATime; ++i) {
            std::string key;
            {
                const std::lock_guard lock(mutex_);
                if (keys_.empty()) return;
                key = keys_.extract(keys_.begin()).value();
            }
            client.send({.operation = "remove " + key,
                         .method = "DELETE",
                         .path = client.pathOf(key),
                         .headers = {{"Depth", "0"}}},
                        context);
        }
    } catch (const std::exception&) {
        // It takes up room, nothing else.
    }
}

}  // namespace litestream::webdav
