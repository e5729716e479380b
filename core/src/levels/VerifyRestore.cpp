#include "levels/VerifyRestore.h"

#include "levels/MergedBody.h"
#include "restore/IntegrityCheck.h"
#include "restore/Restore.h"
#include "util/FileIo.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>

#include <fmt/format.h>

namespace litestream::levels {

namespace {

std::mutex running;  // held by the one trial of the process

constexpr auto kHeaderRequest = std::chrono::seconds(30);

/// Goes with the trial, however it ends.
struct Scratch {
    const std::filesystem::path& file;
    ~Scratch() { removeTrial(file); }
};

std::uint64_t digestOf(const std::filesystem::path& path, std::uint32_t pageSize, std::uint32_t pages) {
    const auto file = openFile(path, O_RDONLY);
    std::vector<std::byte> content(pageSize);
    std::uint64_t digest = ltx::kEmptyDigest;
    for (PageNumber page = 1; page <= pages; ++page) {
        const ssize_t got = ::pread(file.get(), content.data(), pageSize, static_cast<off_t>(std::uint64_t{page - 1} * pageSize));
        if (got != static_cast<ssize_t>(pageSize)) throw systemError("read " + path.string(), got < 0 ? errno : EIO);
        if (page != lockPage(pageSize)) digest = ltx::addToDigest(digest, ltx::pageChecksum(page, content));
    }
    return digest;
}

std::set<Txid> promised(const Inventory& inventory, const Settings& settings, Clock::time_point now) {
    std::set<Txid> ends;
    for (std::uint32_t number = 1; number <= replica::kSnapshotLevel.value; ++number) {
        for (const auto& [range, file] : inventory.level(number)) {
            if (file.content + settings.snapshotRetention >= now) ends.insert(range.max);
        }
    }
    return ends;
}

}  // namespace

std::optional<Trial> chooseTrial(const Inventory& inventory, const Settings& settings, Clock::time_point now, bool newest, double fraction) {
    Trial trial;
    trial.newest = newest;
    restore::Target target;
    if (!newest) {
        const auto ends = promised(inventory, settings, now);
        if (ends.empty()) return std::nullopt;
        const auto index = std::min(ends.size() - 1, static_cast<std::size_t>(fraction * static_cast<double>(ends.size())));
        target.txid = *std::next(ends.begin(), static_cast<std::ptrdiff_t>(index));
    }
    try {
        trial.files = restore::plan(inventory.all(), target);
    } catch (const Error&) {
        return std::nullopt;  // history has a hole there, and that is known
    }
    trial.txid = trial.files.back().id.range.max;
    if (target.txid && trial.txid != *target.txid) return std::nullopt;
    if (const HeldFile* last = inventory.find(trial.files.back().id); last != nullptr) trial.digest = last->evidence.digest;
    return trial;
}

TrialEnd tryRestore(replica::ReplicaStore& store, const ltx::CodecSet& codecs, const Trial& trial, const Settings::VerifyRestore& settings,
                    const std::filesystem::path& file, const CancellationToken& cancellation) {
    const std::unique_lock alone(running, std::try_to_lock);
    if (!alone) return {TrialEnd::Outcome::Busy, {}};
    const auto header = store.readHeader(trial.files.back().id, CallContext::within(kHeaderRequest, cancellation));
    const std::uint64_t bytes = std::uint64_t{header.commit} * header.pageSize;
    if (bytes > settings.mostBytes) {
        return {TrialEnd::Outcome::Skipped, fmt::format("the database has {} bytes, at most {} are allowed", bytes, settings.mostBytes)};
    }
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    const auto space = std::filesystem::space(file.parent_path(), error);
    if (!error && space.available / 2 < bytes) {
        return {TrialEnd::Outcome::Skipped, fmt::format("{} bytes are free in {}, twice the database's {} are wanted", space.available, file.parent_path().string(), bytes)};
    }
    removeTrial(file);
    const Scratch scratch{file};
    restore::Options options;
    options.output = file;
    options.parallelism = 2;
    options.cancellation = cancellation;
    const auto restored = restore::restore(store, trial.files, codecs, options);
    if (trial.digest) {
        const std::uint64_t found = digestOf(file, restored.pageSize, restored.commit);
        if (found != *trial.digest) throw DigestError(*trial.digest, found);
    }
    try {
        restore::checkIntegrity(file, restore::IntegrityCheck::Full, cancellation);
    } catch (const Error& failure) {
        if (failure.code() != ErrorCode::Corrupt || !trial.digest) throw;
        throw Error(ErrorCode::Unsupported, "the database itself is damaged, and its replica is true to it: " + std::string(failure.what()));
    }
    return {};
}

void removeTrial(const std::filesystem::path& file) noexcept {
    std::error_code ignored;
    for (const char* suffix : {"", ".tmp", "-wal", "-shm", "-journal"}) std::filesystem::remove(file.string() + suffix, ignored);
}

}  // namespace litestream::levels
