#include "levels/Proof.h"

#include <utility>

namespace litestream::levels {

namespace {

/// Gathers the checksums of single pages into runs without holes.
class Runs {
public:
    explicit Runs(const SumsSink& sink) : sink_(sink) {}

    void add(PageNumber page, std::uint64_t checksum) {
        // Only the lock page may be left out of a whole state; whoever reads it has made sure of that.
        while (next_ < page) push(0);
        push(checksum);
    }
    void finish() {
        if (!run_.empty()) sink_(next_ - static_cast<PageNumber>(run_.size()), run_);
        run_.clear();
    }

private:
    void push(std::uint64_t checksum) {
        constexpr std::size_t kRun = 8192;
        run_.push_back(checksum);
        ++next_;
        if (run_.size() == kRun) finish();
    }

    const SumsSink& sink_;
    PageNumber next_ = 1;
    std::vector<std::uint64_t> run_;
};

}  // namespace

Expected expectedOf(const Inventory& inventory, std::span<const replica::FileInfo> inputs) {
    Expected expected;
    for (const auto& input : inputs) {
        const HeldFile* file = inventory.find(input.id);
        expected.checksums.push_back(file == nullptr ? std::nullopt : file->evidence.fileChecksum);
    }
    // A digest is that of a whole database.
    const HeldFile* last = inventory.find(inputs.back().id);
    if (inputs.front().id.range.min == Txid{1} && last != nullptr) expected.digest = last->evidence.digest;
    return expected;
}

ReadState readerOf(replica::ReplicaStore& store, const ltx::CodecSet& codecs, std::shared_ptr<const Codec> codec, std::vector<replica::FileInfo> files,
                   CancellationToken cancellation, std::filesystem::path scratch) {
    return [&store, codecs, codec = std::move(codec), files = std::move(files), cancellation = std::move(cancellation),
            scratch = std::move(scratch)](const SumsSink& sink) {
        const CallContext context{.cancellation = cancellation};
        const Expected nothing;
        Runs runs(sink);
        MergedBody body(store, files, codecs, *codec, context, nothing, [&](PageNumber page, std::uint64_t checksum) { runs.add(page, checksum); },
                        scratch);
        while (!body.next().empty()) {
        }
        runs.finish();
    };
}

}  // namespace litestream::levels
