#include "restore/Plan.h"

#include <algorithm>
#include <tuple>

namespace litestream::restore {
namespace {

using replica::FileInfo;

bool eligible(const FileInfo& file, const Target& target) {
    if (target.txid) return file.id.range.max <= *target.txid;
    if (target.timestamp) return file.timestamp < *target.timestamp;
    return true;
}

/// True when `a` is the better next step: reaches farther; then starts earlier; then the higher level; then the older file.
bool better(const FileInfo& a, const FileInfo& b) {
    const auto rank = [](const FileInfo& file) {
        return std::tuple(~file.id.range.max.value, file.id.range.min.value, ~file.id.level.value, file.timestamp.milliseconds);
    };
    return rank(a) < rank(b);
}

/// Files that may follow a snapshot, each one looked at once. Their order is that of their first TXID.
class Steps {
public:
    explicit Steps(std::vector<FileInfo>& files) : files_(files) {
        std::stable_sort(files.begin(), files.end(), [](const FileInfo& a, const FileInfo& b) { return a.id.range.min < b.id.range.min; });
    }

    /// The best file that starts at or before the TXID behind `reached` and goes farther; null = none. `reached` never goes back.
    const FileInfo* next(Txid reached) {
        for (; candidates_ < files_.size() && files_[candidates_].id.range.min <= reached.next(); ++candidates_) {
            if (best_ == nullptr || better(files_[candidates_], *best_)) best_ = &files_[candidates_];
        }
        // What goes farthest of all that start early enough is also the best of those that go on.
        return best_ != nullptr && best_->id.range.max > reached ? best_ : nullptr;
    }

    /// The first file that none of those given out leads to.
    const FileInfo* beyond() const { return candidates_ < files_.size() ? &files_[candidates_] : nullptr; }

private:
    const std::vector<FileInfo>& files_;
    std::size_t candidates_ = 0;  ///< files before it start early enough
    const FileInfo* best_ = nullptr;
};

/// A latest state must not silently end before files that cannot be reached.
void refuseHole(const Steps& steps, Txid reached) {
    const FileInfo* beyond = steps.beyond();
    if (beyond == nullptr) return;
    throw Error(ErrorCode::Corrupt, "non-contiguous ltx files: have up to " + ltx::format(reached) + " but next file starts at " +
                                        ltx::format(beyond->id.range.min));
}

}  // namespace

std::vector<FileInfo> plan(std::vector<FileInfo> files, const Target& target) {
    if (target.txid && target.timestamp) {
        throw Error(ErrorCode::InvalidArgument, "cannot restore to a TXID and to a time at once");
    }
    std::vector<FileInfo> chosen;
    Txid reached;

    std::erase_if(files, [&](const FileInfo& file) { return !eligible(file, target); });
    const auto isSnapshot = [](const FileInfo& file) { return file.id.level == replica::kSnapshotLevel; };
    const auto snapshots = std::partition(files.begin(), files.end(), [&](const FileInfo& file) { return !isSnapshot(file); });
    // The last one in the order of a listing, so that among equal TXIDs the shorter range counts as newer, as upstream has it.
    const auto snapshot = std::max_element(snapshots, files.end(), [](const FileInfo& a, const FileInfo& b) { return a.id < b.id; });
    if (snapshot != files.end()) {
        chosen.push_back(*snapshot);
        reached = snapshot->id.range.max;
    }
    files.erase(snapshots, files.end());

    Steps steps(files);
    while (!target.txid || reached < *target.txid) {
        const FileInfo* step = steps.next(reached);
        if (step == nullptr) break;
        chosen.push_back(*step);
        reached = step->id.range.max;
    }

    if (chosen.empty() || (target.txid && reached < *target.txid)) {
        throw Error(ErrorCode::NotFound, "no matching backup files available");
    }
    if (!target.txid && !target.timestamp) refuseHole(steps, reached);
    return chosen;
}

}  // namespace litestream::restore
