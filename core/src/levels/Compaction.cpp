#include "levels/Compaction.h"

#include "restore/Plan.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::levels {

namespace {

constexpr std::uint32_t kSnapshots = replica::kSnapshotLevel.value;

/// Below this size it does not matter how often a file is written.
constexpr std::uint64_t kLeastPromoted = 32u << 20;

/// What a level takes next from the one below it.
struct Run {
    std::vector<const HeldFile*> files;  ///< contiguous, in order
    bool closed = false;                 ///< nothing that comes later can belong to it
    const HeldFile* large = nullptr;     ///< set when it has no files: the next one becomes a snapshot instead
};

bool large(const HeldFile& file, const HeldFile* snapshot) {
    return snapshot != nullptr && file.info.size >= std::max(kLeastPromoted, snapshot->info.size / 2);
}

/// Files of level `number` - 1 behind what level `number` reaches, oldest first.
std::vector<const HeldFile*> pending(const Inventory& inventory, std::uint32_t number) {
    const auto& source = inventory.level(number - 1);
    const Txid reached = inventory.reach(number);
    std::vector<const HeldFile*> files;
    for (auto file = source.rbegin(); file != source.rend() && file->first.max > reached; ++file) files.push_back(&file->second);
    std::reverse(files.begin(), files.end());
    return files;
}

Run nextRun(const Inventory& inventory, std::uint32_t number) {
    Run run;
    Txid end;
    const HeldFile* snapshot = inventory.newestSnapshot();
    for (const HeldFile* file : pending(inventory, number)) {
        const auto& range = file->info.id.range;
        const bool first = run.files.empty();
        if (!first && range.max <= end) continue;  // inside of what is taken already
        if (!first && (range.min > end.next() || run.files.size() == kMostInputs || large(*file, snapshot))) {
            run.closed = true;
            return run;
        }
        if (first && large(*file, snapshot)) {
            if (snapshot->info.id.range.max >= range.max) continue;
            run.large = file;
            return run;
        }
        run.files.push_back(file);
        end = range.max;
    }
    return run;
}

Job merge(const Run& run, std::uint32_t number) {
    Job job;
    job.output = {replica::Level{number}, {run.files.front()->info.id.range.min, run.files.back()->info.id.range.max}};
    for (const HeldFile* file : run.files) job.inputs.push_back(file->info);
    return job;
}

/// The snapshot 1..`target`, made of what there is.
Job snapshot(const Inventory& inventory, const Settings& settings, Txid target) {
    Job job{{replica::kSnapshotLevel, {Txid{1}, target}}, {}};
    try {
        job.inputs = restore::plan(inventory.all(), {target, std::nullopt});
    } catch (const Error&) {
        return job;  // a hole: only the database knows
    }
    if (job.inputs.size() <= kMostInputs) return job;
    // The rest is for the next one. Without levels it would grow faster than snapshots are made.
    job.inputs.resize(settings.levels.empty() ? 0 : kMostInputs);
    if (!job.inputs.empty()) job.output.range.max = job.inputs.back().id.range.max;
    return job;
}

/// How far a snapshot of the regular kind reaches: levels make it cheap, so level 0 waits until they have taken it over.
Txid snapshotTarget(const Inventory& inventory, const Settings& settings) {
    if (settings.levels.empty()) return inventory.reach(0);
    Txid reached;
    for (std::uint32_t number = 1; number < kSnapshots; ++number) reached = std::max(reached, inventory.reach(number));
    return reached;
}

void earlier(std::optional<Clock::time_point>& at, Clock::time_point candidate) {
    if (!at || candidate < *at) at = candidate;
}

}  // namespace

NextJob nextJob(const Inventory& inventory, const Settings& settings, Clock::time_point now) {
    NextJob next;
    for (std::uint32_t number = 1; number <= settings.levels.size() && number < kSnapshots; ++number) {
        const Run run = nextRun(inventory, number);
        if (run.large != nullptr) {
            next.job = snapshot(inventory, settings, run.large->info.id.range.max);
            return next;
        }
        if (run.files.empty()) continue;
        const auto due = run.files.front()->content + settings.levels[number - 1];
        if (due <= now || run.closed) {
            next.job = merge(run, number);
            return next;
        }
        earlier(next.at, due);
    }
    const Txid target = snapshotTarget(inventory, settings);
    const HeldFile* newest = inventory.newestSnapshot();
    if (settings.snapshotInterval.count() <= 0 || !target || (newest != nullptr && newest->info.id.range.max >= target)) return next;
    const auto due = newest == nullptr ? now : newest->content + settings.snapshotInterval;
    if (due <= now) {
        next.job = snapshot(inventory, settings, target);
    } else {
        earlier(next.at, due);
    }
    return next;
}

}  // namespace litestream::levels
