#pragma once

#include "LiveEngine.h"

#include "ltx/Decoder.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>

namespace litestream::engine::test {

namespace fs = std::filesystem;

inline const Error kReset(ErrorCode::Transient, "send request failed: put: connection reset by peer");
inline const Error kDenied(ErrorCode::Denied, "put: access denied");

/// Traps beyond the database (docs/traps.md), with a whole engine and a store that fails.
class Traps : public LiveEngine {
protected:
    /// Without those that are being written.
    std::set<fs::path> spooled() const {
        std::set<fs::path> files;
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(meta() / "spool", none)) {
            if (entry.path().extension() == ".ltx") files.insert(entry.path());
        }
        return files;
    }
    DatabaseStatus status() const { return engine_->status().at(0); }

    template <class Condition>
    static void await(const char* what, Condition condition) {
        for (const auto end = std::chrono::steady_clock::now() + 60s; !condition(); std::this_thread::sleep_for(1ms)) {
            if (std::chrono::steady_clock::now() > end) throw std::runtime_error(std::string("not within 60 s: ") + what);
        }
    }
    void failPuts() {
        store_.fail([](const std::string& operation) {
            if (operation == "PUT") throw kReset;
        });
    }
    void awaitFailure() const {
        await("the failure in the state", [&] { return !status().replicas.at(0).lastError.empty(); });
    }
    void runAndAwaitCut(const std::string& sql) {
        const Txid before = status().txid;
        run(sql);
        await("the cut of a commit", [&] { return status().txid > before; });
    }
    /// Every PUT fails, and `count` commits wait in the spool.
    void fillSpool(unsigned count) {
        failPuts();
        for (unsigned i = 0; i < count; ++i) {
            const auto before = spooled().size();
            commit();
            await("a file in the spool", [&] { return spooled().size() > before; });
        }
    }
    std::vector<std::string> keysOf(char level) const {
        std::vector<std::string> keys;
        for (const auto& key : store_.keys()) {
            if (key[3] == level) keys.push_back(key);
        }
        return keys;
    }
    ltx::Decoder decoder(const std::string& key) {
        const std::string& content = store_.content(key);
        auto source = [&content, at = std::size_t{0}](MutableBytes into) mutable {
            const std::size_t part = std::min(into.size(), content.size() - at);
            std::memcpy(into.data(), content.data() + at, part);
            at += part;
            return part;
        };
        return {source, codecs_, ltx::Decoder::Strictness::Verify};
    }

    const ltx::CodecSet codecs_ = registry_->codecs();
};

}  // namespace litestream::engine::test
