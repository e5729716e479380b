#include "World.h"

#include "restore/Plan.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::levels::test {

namespace {

constexpr std::uint64_t kLarge = 64u << 20;

template <class Number>
std::string number(Number value) {
    return std::to_string(static_cast<std::uint64_t>(value));
}

}  // namespace

World::World(unsigned seed) : random_(seed) {
    settings_.levels.clear();
    std::chrono::seconds interval{upTo(4)};
    for (std::uint64_t level = 0, levels = upTo(4) - 1; level < levels; ++level, interval *= upTo(4)) settings_.levels.push_back(interval);
    settings_.snapshotInterval = std::chrono::seconds(5 + upTo(60));
    settings_.snapshotRetention = std::chrono::seconds(5 + upTo(60));
    settings_.levelZeroRetention = std::chrono::seconds(upTo(20) - 1);
    settings_.checkInterval = 1s;
    commit();
    objects_.clear();
    inventory_ = {};
    this->seed();
}

void World::apply(Pages& onto, const Pages& newer) {
    for (std::size_t page = 0; page < kPages; ++page) {
        if (newer[page]) onto[page] = newer[page];
    }
}

const World::Pages& World::state(std::uint64_t txid) const { return commits_[txid - 1].state; }

void World::store(const replica::FileId& id, const Pages& pages, Timestamp timestamp, std::uint64_t size, bool known) {
    const replica::FileInfo info{id, size, timestamp};
    objects_.insert_or_assign(id, Object{info, pages});
    if (id.level.value > 0) ++boundaries_[id.range.max.value];
    if (known) inventory_.add({info, commits_[id.range.max.value - 1].when, now_, true});
}

void World::commit() {
    now_ += std::chrono::milliseconds(upTo(1500));
    const std::uint64_t txid = commits_.size() + 1;
    const bool large = chance(0.03);
    Commit made{now_, wall(), {}, commits_.empty() ? Pages{} : commits_.back().state};
    for (auto& page : made.written) {
        if (large || txid == 1 || chance(0.3)) page = txid;
    }
    apply(made.state, made.written);
    commits_.push_back(made);
    commits_.back().uploaded = true;
    store(id(0, txid, txid), made.written, made.timestamp, large ? kLarge : 1000, true);
}

void World::seed() {
    // Files that never came are bridged by a snapshot of the database; level 0 begins again behind it.
    const std::uint64_t txid = commits_.size();
    store(id(9, 1, txid), state(txid), commits_.back().timestamp, kLarge, true);
    commit();
}

void World::restart() {
    // What a listing tells, with a wall clock that may be anything.
    std::vector<replica::FileInfo> listing;
    for (const auto& [id, object] : objects_) listing.push_back(object.info);
    Timestamp clock = wall();
    if (chance(0.1)) clock.milliseconds -= 3'600'000;
    inventory_ = Inventory(listing, chance(0.5), clock, now_);
}

bool World::compact(const Job& job, bool mayCrash) {
    if (job.fromDatabase()) {
        const std::uint64_t txid = commits_.size();
        store(id(9, 1, txid), state(txid), commits_.back().timestamp, kLarge, true);
        return true;
    }
    Pages merged;
    for (const auto& input : job.inputs) {
        const auto object = objects_.find(input.id);
        if (object == objects_.end()) {
            complain("compaction reads " + text(input.id) + ", which is not there");
            return false;
        }
        apply(merged, object->second.pages);
    }
    for (std::size_t i = 1; i < job.inputs.size(); ++i) {
        if (job.inputs[i].id.range.min > job.inputs[i - 1].id.range.max.next()) complain("compaction across a hole: " + text(job.output));
    }
    if (job.inputs.size() > kMostInputs) complain("compaction of too many files");
    if (objects_.contains(job.output)) complain("compaction writes " + text(job.output) + " twice");
    const bool crash = mayCrash && chance(0.1);
    if (crash && chance(0.5)) return false;
    store(job.output, merged, job.inputs.back().timestamp, job.snapshot() ? kLarge : 1000, !crash);
    return !crash;
}

void World::tend(bool mayCrash) {
    for (int jobs = 0; complaint_.empty(); ++jobs) {
        const NextJob next = nextJob(inventory_, settings_, now_);
        if (!next.job) break;
        if (jobs > 200) return complain("there is always something to compact: " + text(next.job->output));
        if (!compact(*next.job, mayCrash)) restart();
        judge("compaction into " + text(next.job->output));
        if (chance(0.3)) commit();
    }
    const Deletions deletions = deletable(inventory_, settings_, now_);
    for (const auto& file : deletions.relies) inventory_.verified(file.id);
    for (const auto& file : deletions.files) {
        if (mayCrash && chance(0.1)) continue;  // this one could not be deleted
        objects_.erase(file);
        ++deletions_;
        const bool crash = mayCrash && chance(0.03);
        if (!crash) inventory_.remove(file);
        judge("deletion of " + text(file));
        if (crash) return restart();
    }
}

void World::step() {
    const auto what = upTo(20);
    if (what <= 12) {
        for (std::uint64_t i = 0, count = upTo(6); i < count; ++i) commit();
    } else if (what <= 16) {
        now_ += std::chrono::seconds(upTo(40));
    } else if (what == 17) {
        restart();
    } else if (what == 18) {
        // A stretch that this replica never got.
        for (std::uint64_t i = 0, count = upTo(3); i < count; ++i) {
            commit();
            const std::uint64_t txid = commits_.size();
            commits_.back().uploaded = false;
            objects_.erase(id(0, txid, txid));
            inventory_.remove(id(0, txid, txid));
        }
        seed();
    } else {
        for (std::uint64_t i = 0, count = upTo(100); i < count; ++i) commit();
    }
    judge("new transactions");
    tend(true);
}

bool World::settle() {
    for (int turns = 0; turns < 5000 && complaint_.empty(); ++turns) {
        const auto job = nextJob(inventory_, settings_, now_);
        const auto deletions = deletable(inventory_, settings_, now_);
        std::optional<Clock::time_point> at = job.at;
        if (deletions.at && (!at || *deletions.at < *at)) at = deletions.at;
        if (!job.job && deletions.files.empty()) {
            if (!at) return true;
            if (*at <= now_) complain("a timer for what is due already");
            now_ = *at;
        }
        // As tend(), without anything new.
        if (job.job) {
            compact(*job.job, false);
            judge("compaction into " + text(job.job->output));
        }
        for (const auto& file : deletions.files) {
            objects_.erase(file);
            inventory_.remove(file);
            judge("deletion of " + text(file));
        }
    }
    return false;
}

std::size_t World::files(std::uint32_t level) const {
    return static_cast<std::size_t>(
        std::count_if(objects_.begin(), objects_.end(), [&](const auto& object) { return object.first.level.value == level; }));
}

void World::complain(const std::string& text) {
    if (complaint_.empty()) complaint_ = text;
}

void World::judge(const std::string& after) {
    if (!complaint_.empty()) return;
    judgeLatest();
    std::uint64_t newestAtZero = 0;
    std::uint64_t newestAbove = 0;
    for (const auto& [id, object] : objects_) {
        auto& newest = id.level.value == 0 ? newestAtZero : newestAbove;
        newest = std::max(newest, id.range.max.value);
    }
    if (newestAtZero != commits_.size()) complain("level 0 ends at " + number(newestAtZero) + " of " + number(commits_.size()));
    if (newestAbove > newestAtZero) complain("a level is ahead of level 0");
    // Instants all over the retention, the newest ones more often.
    for (int i = 0; i < 4; ++i) {
        const std::uint64_t back = i % 2 == 0 ? upTo(commits_.size()) : upTo(std::min<std::uint64_t>(commits_.size(), 20));
        judgeInstant(commits_.size() - back + 1);
    }
    if (!complaint_.empty()) complaint_ += ", after " + after + " at " + number((now_ - kStart) / 1ms) + " ms";
}

void World::judgeLatest() {
    std::vector<replica::FileInfo> files;
    for (const auto& [id, object] : objects_) files.push_back(object.info);
    try {
        Pages pages;
        const auto plan = restore::plan(files, {});
        for (const auto& file : plan) apply(pages, objects_.at(file.id).pages);
        if (plan.back().id.range.max.value != commits_.size()) return complain("the newest state cannot be restored");
        if (pages != state(commits_.size())) return complain("the newest state is restored wrong");
    } catch (const Error& error) {
        return complain(std::string("the newest state: ") + error.what());
    }
    if (naiveReach(std::nullopt) != commits_.size()) complain("the naive planner does not reach the newest state");
}

/// What should be restored is the state before `txid` and one millisecond: `txid` itself while level 0 keeps it, else what the levels have
/// ever had before it.
void World::judgeInstant(std::uint64_t txid) {
    const Commit& wanted = commits_[txid - 1];
    if (now_ - wanted.when > settings_.snapshotRetention) return;
    const Timestamp before{wanted.timestamp.milliseconds + 1};
    const auto boundary = boundaries_.upper_bound(txid);
    std::uint64_t promised = boundary == boundaries_.begin() ? 0 : std::prev(boundary)->first;
    const bool always = settings_.levelZeroRetention.count() == 0;
    if (wanted.uploaded && (always || now_ - wanted.when <= settings_.levelZeroRetention)) promised = txid;
    if (promised == 0) return;

    std::vector<replica::FileInfo> files;
    for (const auto& [id, object] : objects_) files.push_back(object.info);
    try {
        Pages pages;
        const auto plan = restore::plan(files, {std::nullopt, before});
        for (const auto& file : plan) apply(pages, objects_.at(file.id).pages);
        const std::uint64_t got = plan.back().id.range.max.value;
        if (got > txid) complain("an instant gives TXID " + number(got) + " of the future, wanted " + number(txid));
        if (got < promised) complain("an instant gives TXID " + number(got) + ", promised " + number(promised));
        if (pages != state(got)) complain("TXID " + number(got) + " is restored wrong");
        exact_ += got == txid;
    } catch (const Error& error) {
        complain("instant of TXID " + number(txid) + ": " + error.what());
    }
    const auto naive = naiveReach(before);
    if (!naive || *naive < promised) complain("the naive planner gives less than TXID " + number(promised));
}

/// All TXIDs that can be reached at all: from every snapshot, over every file that goes on, until nothing is added.
std::optional<std::uint64_t> World::naiveReach(std::optional<Timestamp> before) const {
    std::set<std::uint64_t> reached{0};
    for (bool more = true; more;) {
        more = false;
        for (const auto& [id, object] : objects_) {
            if (before && !(object.info.timestamp < *before)) continue;
            if (reached.contains(id.range.max.value)) continue;
            const bool goesOn = std::any_of(reached.begin(), reached.end(), [&](std::uint64_t end) { return id.range.min.value <= end + 1 && id.range.max.value > end; });
            if (!goesOn) continue;
            reached.insert(id.range.max.value);
            more = true;
        }
    }
    if (reached.size() == 1) return std::nullopt;
    return *reached.rbegin();
}

}  // namespace litestream::levels::test
