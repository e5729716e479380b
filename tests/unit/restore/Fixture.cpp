#include "Fixture.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <Poco/DigestEngine.h>
#include <Poco/JSON/Parser.h>
#include <Poco/SHA2Engine.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace litestream::restore::test {

namespace fs = std::filesystem;

namespace {

const CallContext kNoLimit;

class WatchedTransport final : public Transport {
public:
    WatchedTransport(std::unique_ptr<Transport> inner, std::function<void(const std::string&)> beforeGet)
        : inner_(std::move(inner)), beforeGet_(std::move(beforeGet)) {}

    const TransportCapabilities& capabilities() const noexcept override { return inner_->capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return inner_->describe(); }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        return inner_->put(key, body, options, context);
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        beforeGet_(key);
        return inner_->get(key, offset, into, context);
    }
    ObjectInfo head(const std::string& key, const CallContext& context) override { return inner_->head(key, context); }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        return inner_->list(prefix, startAfter, limit, context);
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        return inner_->remove(keys, context);
    }

private:
    std::unique_ptr<Transport> inner_;
    std::function<void(const std::string&)> beforeGet_;
};

}  // namespace

const plugin::Registry& registry() {
    static const auto loaded = plugin::Registry::load({fs::path(LITESTREAM_BIN) / "plugins"});
    return *loaded;
}

const ltx::CodecSet& codecs() {
    static const ltx::CodecSet all = registry().codecs();
    return all;
}

std::unique_ptr<Transport> openTransport(const fs::path& directory) {
    OptionValues options;
    options.set("path", directory.string());
    return registry().openTransport("file", options);
}

replica::ReplicaStore openStore(const fs::path& directory) { return replica::ReplicaStore(openTransport(directory)); }

std::unique_ptr<Transport> watched(std::unique_ptr<Transport> inner, std::function<void(const std::string&)> beforeGet) {
    return std::make_unique<WatchedTransport>(std::move(inner), std::move(beforeGet));
}

fs::path dataDirectory() { return LITESTREAM_TEST_DATA; }

Poco::JSON::Object::Ptr readJson(const fs::path& file) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    return Poco::JSON::Parser().parse(in).extract<Poco::JSON::Object::Ptr>();
}

void copyReplica(const fs::path& from, const fs::path& to, const Poco::JSON::Object& files, const std::string& stripped) {
    fs::copy(from, to, fs::copy_options::recursive);
    for (const auto& [name, value] : files) {
        const auto milliseconds = value.extract<Poco::JSON::Object::Ptr>()->getValue<std::int64_t>("mtime_ms");
        const timespec time{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
        const timespec both[2] = {time, time};
        const fs::path file = to / name.substr(stripped.size());
        if (::utimensat(AT_FDCWD, file.c_str(), both, 0) != 0) throw std::runtime_error("set the time of " + file.string());
    }
}

std::string sha256(const fs::path& file) {
    Poco::SHA2Engine engine(Poco::SHA2Engine::SHA_256);
    const auto bytes = readBytes(file);
    engine.update(bytes.data(), bytes.size());
    return Poco::DigestEngine::digestToHex(engine.digest());
}

std::vector<std::byte> readBytes(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    std::vector<std::byte> bytes(fs::file_size(file));
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

void writeBytes(const fs::path& file, ConstBytes bytes) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

std::vector<std::string> namesIn(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> planNames(const std::vector<replica::FileInfo>& plan) {
    std::vector<std::string> names;
    for (const auto& file : plan) names.push_back(std::to_string(file.id.level.value) + "/" + ltx::fileName(file.id.range));
    return names;
}

Result restoreLatest(replica::ReplicaStore& store, const fs::path& output, IntegrityCheck check) {
    Options options;
    options.output = output;
    options.integrityCheck = check;
    return restore(store, plan(store.listAll(kNoLimit), {}), codecs(), options);
}

std::string integrity(const fs::path& database) {
    const TemporaryDirectory directory;
    const fs::path copy = directory.path() / "copy.db";
    fs::copy_file(database, copy);
    sqlite3* handle = nullptr;
    sqlite3_open_v2(copy.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
    std::string answer;
    char* message = nullptr;
    sqlite3_exec(
        handle, "PRAGMA integrity_check",
        [](void* text, int, char** columns, char**) {
            *static_cast<std::string*>(text) += columns[0];
            return 0;
        },
        &answer, &message);
    if (message != nullptr) answer += message;
    sqlite3_free(message);
    sqlite3_close_v2(handle);
    return answer;
}

}  // namespace litestream::restore::test
