#include "restore/Times.h"

#include "restore/Workers.h"

#include <litestream/Error.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

namespace litestream::restore {
namespace {

using replica::FileId;
using replica::FileInfo;

/// Of one request with its repetitions.
constexpr std::chrono::minutes kRequestLimit{1};
/// Files whose times are asked for in the first round; each round that finds nothing too young doubles it.
constexpr std::size_t kFirstRound = 8;
/// Older than every time that can be wanted: a file whose time is not known yet counts as eligible.
constexpr Timestamp kUnknown{std::numeric_limits<std::int64_t>::min()};

/// The files of a plan whose times are not known, at most `most`, in the order of the plan.
std::vector<FileId> unknownIn(const std::vector<FileInfo>& chosen, std::size_t most) {
    std::vector<FileId> unknown;
    for (const FileInfo& file : chosen) {
        if (unknown.size() < most && file.timestamp == kUnknown) unknown.push_back(file.id);
    }
    return unknown;
}

/// A file that is gone has no time.
std::map<FileId, std::optional<Timestamp>> ask(replica::ReplicaStore& store, const std::vector<FileId>& files, unsigned parallelism,
                                               CancellationSource& stop) {
    std::vector<std::optional<Timestamp>> times(files.size());
    runParallel(parallelism, files.size(), stop, [&](unsigned, std::size_t index) {
        try {
            times[index] = exactTime(store, {files[index], 0, {}}, CallContext::within(kRequestLimit, stop.token()));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::NotFound) throw;
        }
    });
    std::map<FileId, std::optional<Timestamp>> answers;
    for (std::size_t i = 0; i < files.size(); ++i) answers.emplace(files[i], times[i]);
    return answers;
}

}  // namespace

Timestamp exactTime(replica::ReplicaStore& store, const FileInfo& file, const CallContext& context) {
    if (store.capabilities().listsTimestamp) return file.timestamp;
    if (!store.capabilities().keepsTimestamp) return {store.readHeader(file.id, context).timestamp};
    return store.transport().head(store.layout().key(file.id), context).timestamp;
}

std::vector<FileInfo> planExactly(replica::ReplicaStore& store, std::vector<FileInfo> files, const Target& target,
                                  unsigned parallelism, const CancellationToken& cancellation) {
    if (!target.timestamp || store.capabilities().listsTimestamp) return plan(std::move(files), target);

    CancellationSource stop;
    const auto registration = cancellation.onCancel([&] { stop.cancel(); });
    for (FileInfo& file : files) file.timestamp = kUnknown;
    std::size_t round = kFirstRound;
    for (;;) {
        // The plan as it would be if all unknown files were old enough. Where the files it chose really are, it is the true one: a plan always
        // takes the best file that is eligible, so a file it did not choose does not matter.
        auto chosen = plan(files, target);
        const auto wanted = unknownIn(chosen, round);
        if (wanted.empty()) return chosen;
        const auto answers = ask(store, wanted, parallelism, stop);
        bool allOldEnough = true;
        std::erase_if(files, [&](FileInfo& file) {
            const auto answer = answers.find(file.id);
            if (answer == answers.end()) return false;
            if (!answer->second) return true;
            file.timestamp = *answer->second;
            allOldEnough = allOldEnough && file.timestamp < *target.timestamp;
            return false;
        });
        round = allOldEnough ? round * 2 : kFirstRound;
    }
}

}  // namespace litestream::restore
