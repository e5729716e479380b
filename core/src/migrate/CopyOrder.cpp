#include "migrate/CopyOrder.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace litestream::migrate {
namespace {

const replica::FileId& fileOf(const Object& object) { return std::get<replica::FileId>(object.id); }
const GenerationFile& generationOf(const Object& object) { return std::get<GenerationFile>(object.id); }

/// Collects steps.
class Steps {
public:
    /// Visible at any time behind the first `floor_` steps.
    void add(const Object& object) { steps_.push_back({object, floor_}); }
    /// Visible behind all steps so far.
    void addBehindAll(const Object& object) { steps_.push_back({object, steps_.size()}); }
    /// What follows is visible behind all steps so far.
    void barrier() { floor_ = steps_.size(); }
    std::vector<Step> take() { return std::move(steps_); }

private:
    std::vector<Step> steps_;
    std::size_t floor_ = 0;
};

using Objects = std::vector<Object>;

/// Splits off what lies behind `reached`.
Objects takeBehind(Objects& files, Txid reached) {
    const auto isOld = [&](const Object& object) { return fileOf(object).range.max <= reached; };
    const auto behind = std::stable_partition(files.begin(), files.end(), isOld);
    Objects newer(behind, files.end());
    files.erase(behind, files.end());
    return newer;
}

/// Takes out of `files` what continues a chain that has come to `reached`, each time the file that goes on by the least, so that level 0 stays in front. Returns
/// how far the chain comes.
Txid addChain(Steps& steps, Objects& files, Txid reached) {
    const auto rank = [](const Object& object) { return std::tuple(fileOf(object).range.max, fileOf(object).level); };
    std::sort(files.begin(), files.end(), [&](const Object& a, const Object& b) { return rank(a) < rank(b); });
    Objects left;
    for (const Object& object : files) {
        const ltx::TxidRange& range = fileOf(object).range;
        // A file that is passed over is never needed later: those behind it reach at least as far.
        if (range.min > reached.next() || range.max <= reached) {
            left.push_back(object);
            continue;
        }
        steps.addBehindAll(object);
        reached = range.max;
    }
    files = std::move(left);
    return reached;
}

/// Newest first; of files that end together those that need others before those that do not.
void addPast(Steps& steps, Objects files) {
    const auto rank = [](const Object& object) { return std::tuple(~fileOf(object).range.max.value, isBase(object.id), object.id); };
    std::sort(files.begin(), files.end(), [&](const Object& a, const Object& b) { return rank(a) < rank(b); });
    for (const Object& file : files) {
        if (isBase(file.id)) {
            steps.addBehindAll(file);
        } else {
            steps.add(file);
        }
    }
}

void addFirst(Steps& steps, Objects& files, const replica::FileId& first) {
    const auto place = std::find_if(files.begin(), files.end(), [&](const Object& object) { return fileOf(object) == first; });
    if (place == files.end()) return;
    steps.add(*place);
    files.erase(place);
    steps.barrier();
}

void addLtx(Steps& steps, const Inventory& source, const Inventory& destination, Objects missing) {
    Txid reached = reach(destination);
    if (!reached) {
        const replica::FileId* anchor = nullptr;
        for (const Object& object : source.objects) {
            if (!isLtx(object.id) || fileOf(object).level != replica::kLevel0) continue;
            if (anchor == nullptr || fileOf(object).range.max > anchor->range.max) anchor = &fileOf(object);
        }
        if (anchor != nullptr) addFirst(steps, missing, *anchor);
        return addPast(steps, std::move(missing));
    }
    Objects newer = takeBehind(missing, reached);
    reached = addChain(steps, newer, reached);
    steps.barrier();
    // What the chain has passed is the past. What it cannot reach stands behind a hole that the source has, too.
    const Objects unreachable = takeBehind(newer, reached);
    missing.insert(missing.end(), newer.begin(), newer.end());
    addPast(steps, std::move(missing));
    steps.barrier();
    for (const Object& file : unreachable) steps.add(file);
}

void addGenerations(Steps& steps, const Inventory& destination, Objects missing) {
    std::set<std::uint64_t> restorable;
    for (const Object& object : destination.objects) {
        if (!isLtx(object.id) && isBase(object.id)) restorable.insert(generationOf(object).generation);
    }
    const auto rank = [](const Object& object) {
        // Snapshots last and by time; segments by place, since that is the order in which a reader wants them.
        const GenerationFile& file = generationOf(object);
        return std::tuple(isBase(object.id), isBase(object.id) ? object.timestamp : Timestamp{}, file.generation, file.index, file.offset);
    };
    std::sort(missing.begin(), missing.end(), [&](const Object& a, const Object& b) { return rank(a) < rank(b); });
    for (const Object& object : missing) {
        // v0.3 does not notice a missing segment: where it can restore already, no hole may show.
        if (isBase(object.id) || restorable.contains(generationOf(object).generation)) {
            steps.addBehindAll(object);
        } else {
            steps.add(object);
        }
    }
}

Timestamp newest(const Inventory& inventory, bool ltx) {
    Timestamp time;
    for (const Object& object : inventory.objects) {
        if (isLtx(object.id) == ltx) time = std::max(time, object.timestamp);
    }
    return time;
}

}  // namespace

Txid reach(const Inventory& inventory) {
    Txid reached;
    std::vector<ltx::TxidRange> files;
    for (const Object& object : inventory.objects) {
        if (!isLtx(object.id)) continue;
        const replica::FileId& file = fileOf(object);
        if (file.level == replica::kSnapshotLevel) {
            reached = std::max(reached, file.range.max);
        } else {
            files.push_back(file.range);
        }
    }
    std::sort(files.begin(), files.end());
    for (const ltx::TxidRange& range : files) {
        if (range.min > reached.next()) return {};
        reached = std::max(reached, range.max);
    }
    return reached;
}

std::vector<Step> copyOrder(const Inventory& source, const Inventory& destination) {
    Objects files;
    Objects generations;
    for (const Object& object : source.objects) {
        if (destination.find(object.id) == nullptr) (isLtx(object.id) ? files : generations).push_back(object);
    }
    Steps steps;
    const bool ltxLast = newest(source, true) >= newest(source, false);
    if (!ltxLast) addLtx(steps, source, destination, std::move(files));
    if (!ltxLast) steps.barrier();
    addGenerations(steps, destination, std::move(generations));
    steps.barrier();
    if (ltxLast) addLtx(steps, source, destination, std::move(files));
    return steps.take();
}

}  // namespace litestream::migrate
