/// How long merges take at a store: `merges DELAY-MS TRANSPORT [OPTION=VALUE]...`, for instance `merges 0 file path=/var/tmp/merges`. Every read waits
/// DELAY-MS first, as if the store were that far away. Writes files below the transport's root and removes them again.
///
/// "small" are 20 files of 1 MiB each, "large" a snapshot of 1 GiB with 63 files of 1 MiB behind it.

#include "levels/Compactor.h"
#include "plugin/Registry.h"
#include "transport/Compose.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>

#include <fmt/format.h>

namespace litestream {
namespace {

constexpr std::uint32_t kPageSize = 4096;

/// A store whose answers take a while.
class Far final : public Transport {
public:
    Far(std::unique_ptr<Transport> near, std::chrono::milliseconds delay) : near_(std::move(near)), delay_(delay) {}
    const TransportCapabilities& capabilities() const noexcept override { return near_->capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return near_->describe(); }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        return near_->put(key, body, options, context);
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        std::this_thread::sleep_for(delay_);
        return near_->get(key, offset, into, context);
    }
    ObjectInfo head(const std::string& key, const CallContext& context) override { return near_->head(key, context); }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit, const CallContext& context) override {
        return near_->list(prefix, startAfter, limit, context);
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override { return near_->remove(keys, context); }

private:
    const std::unique_ptr<Transport> near_;
    const std::chrono::milliseconds delay_;
};

/// An encoder's bytes on their way out.
class FileBody final : public Body {
public:
    FileBody(const ltx::Header& header, const Codec& codec, PageNumber pages) : header_(header), codec_(codec), pages_(pages) { rewind(); }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    ConstBytes next() override {
        if (!fresh_) sink_.clear();
        fresh_ = false;
        for (; !finished_ && sink_.bytes().size() < (1u << 20);) step();
        return sink_.bytes();
    }
    void rewind() override {
        random_.seed(header_.maxTxid.value);
        sink_.clear();
        encoder_.emplace(sink_, header_, codec_);
        page_ = 0;
        finished_ = false;
        fresh_ = true;
    }
    std::uint64_t written() const { return encoder_->result().size; }

private:
    /// Half of every page is noise. Updates touch pages all over the database.
    void step() {
        if (page_ == pages_) {
            finished_ = encoder_->finishStep();
            return;
        }
        for (std::size_t at = 0; at < kPageSize / 2; at += sizeof(std::uint64_t)) {
            const std::uint64_t noise = random_();
            std::memcpy(content_.data() + at, &noise, sizeof(noise));
        }
        const PageNumber stride = header_.commit / pages_;
        encoder_->addPage(header_.isSnapshot() ? page_ + 1 : page_ * stride + 1 + static_cast<PageNumber>(header_.maxTxid.value % stride), content_);
        ++page_;
    }

    const ltx::Header header_;
    const Codec& codec_;
    const PageNumber pages_;
    std::mt19937_64 random_;
    ltx::MemorySink sink_;
    std::optional<ltx::Encoder> encoder_;
    std::vector<std::byte> content_ = std::vector<std::byte>(kPageSize);
    PageNumber page_ = 0;
    bool fresh_ = true;
    bool finished_ = false;
};

double cpuSeconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Most memory since the last call.
std::string peakMemory() {
    std::string line;
    for (std::ifstream status("/proc/self/status"); std::getline(status, line) && !line.starts_with("VmHWM");) {
    }
    std::ofstream("/proc/self/clear_refs") << 5;
    return line.substr(line.find_first_of("0123456789"));
}

class Bench {
public:
    Bench(std::chrono::milliseconds delay, const std::string& transport, const OptionValues& options)
        : registry_(plugin::Registry::load({LITESTREAM_BIN "/plugins"})),
          codec_(registry_->openCodec("lz4", {})),
          codecs_(registry_->codecs()),
          store_(std::make_unique<Far>(transport::open(*registry_, transport, options, {.metrics = metrics_}), delay)) {}

    void merge(const char* name, PageNumber snapshotPages, unsigned files) {
        const PageNumber commit = std::max<PageNumber>(snapshotPages, 262'144);
        levels::Job job;
        if (snapshotPages > 0) job.inputs.push_back(put({replica::kSnapshotLevel, {Txid{1}, Txid{1}}}, commit, snapshotPages));
        for (std::uint64_t txid = 2; txid < 2 + files; ++txid) job.inputs.push_back(put({replica::kLevel0, {Txid{txid}, Txid{txid}}}, commit, 500));
        job.output = {snapshotPages > 0 ? replica::kSnapshotLevel : replica::Level{1}, {job.inputs.front().id.range.min, job.inputs.back().id.range.max}};
        peakMemory();
        const auto gets = requests();
        const double cpu = cpuSeconds();
        const auto began = std::chrono::steady_clock::now();
        const auto made = levels::Compactor(store_, codecs_, *codec_, {}, {}).run(job);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        fmt::print("{}: {:.2f} s, {:.2f} s of CPU, {} reads, {} MiB, memory {}\n", name, took.count(), cpuSeconds() - cpu, requests() - gets,
                   made.file.size >> 20, peakMemory());
        std::vector<replica::FileId> all{made.file.id};
        for (const auto& input : job.inputs) all.push_back(input.id);
        store_.remove(all, {});
    }

private:
    replica::FileInfo put(const replica::FileId& file, std::uint32_t commit, PageNumber pages) {
        ltx::Header header;
        header.pageSize = kPageSize;
        header.commit = commit;
        header.minTxid = file.range.min;
        header.maxTxid = file.range.max;
        FileBody body(header, *codec_, pages);
        const auto size = store_.put(file, body, {}, {});
        return {file, size, header.timestamp};
    }
    std::uint64_t requests() const { return metrics_->of(transport::Operation::Get).requests.load(); }

    const std::unique_ptr<plugin::Registry> registry_;
    const std::shared_ptr<const Codec> codec_;
    const ltx::CodecSet codecs_;
    const std::shared_ptr<transport::Metrics> metrics_ = std::make_shared<transport::Metrics>();
    replica::ReplicaStore store_;
};

}  // namespace
}  // namespace litestream

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: merges DELAY-MS TRANSPORT [OPTION=VALUE]...\n", stderr);
        return 2;
    }
    litestream::OptionValues options;
    for (int i = 3; i < argc; ++i) {
        const std::string argument = argv[i];
        options.set(argument.substr(0, argument.find('=')), argument.substr(argument.find('=') + 1));
    }
    try {
        litestream::Bench bench(std::chrono::milliseconds(std::atoi(argv[1])), argv[2], options);
        bench.merge("small", 0, 20);
        bench.merge("large", 262'144, 63);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
