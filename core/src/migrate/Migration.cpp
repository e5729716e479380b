#include "migrate/Migration.h"

#include "restore/Workers.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <utility>

namespace litestream::migrate {
namespace {

/// Each pass copies what the passes before did not, so they get shorter; a source that outruns so many is no place to copy from.
constexpr int kMostPasses = 20;
constexpr std::size_t kSampled = 16;

std::uint64_t bytesOf(const std::vector<Step>& steps) {
    std::uint64_t sum = 0;
    for (const Step& step : steps) sum += step.object.size;
    return sum;
}

std::vector<Complaint> listed(const std::map<std::string, std::string>& complaints) {
    std::vector<Complaint> list;
    for (const auto& [key, reason] : complaints) list.push_back({key, reason});
    return list;
}

Txid newestTxid(const Inventory& inventory) {
    Txid newest;
    for (const Object& object : inventory.objects) {
        if (const auto* file = std::get_if<replica::FileId>(&object.id)) newest = std::max(newest, file->range.max);
    }
    return newest;
}

}  // namespace

Migration::Migration(Transport& from, Transport& to, const ltx::CodecSet& codecs, Options options, Patience& patience,
                     CancellationSource& stop)
    : from_(from), to_(to), codecs_(codecs), options_(std::move(options)), patience_(patience), stop_(stop), memory_(options_.memoryBytes),
      progress_(options_.progress),
      copier_(from, to, options_.rate, codecs, patience, [this](std::uint64_t bytes) { progress_.addBytes(bytes); }) {}

void Migration::list() {
    const std::string everything;
    source_ = takeInventory(from_, {&everything, 1}, patience_);
    if (source_.objects.empty()) throw Error(ErrorCode::NotFound, "no replica found at the source");
    noteSource();
    destination_ = takeInventory(to_, replicaPrefixes(to_), patience_);
    {
        const std::lock_guard lock(mutex_);
        counts_.unknown = source_.unknown;
    }
    if (related_) return;
    for (const std::string& key : source_.unknownKeys) log::warn("object is no part of a replica, not copied", {{"key", key}});
    requireSameReplica(copier_.ends(), source_, destination_, codecs_, patience_);
    related_ = true;
}

void Migration::noteSource() {
    newestLevelZero_.reset();
    for (const Object& object : source_.objects) {
        const auto* file = std::get_if<replica::FileId>(&object.id);
        if (file == nullptr || file->level != replica::kLevel0) break;  // they stand first, and ascend
        newestLevelZero_ = object;
    }
}

Preview Migration::preview() {
    list();
    Preview preview{copyOrder(source_, destination_), {}, extra()};
    for (const Object& object : source_.objects) {
        if (destination_.find(object.id) != nullptr) preview.present.push_back(object);
    }
    return preview;
}

void Migration::copyAll() {
    for (int pass = 1;; ++pass) {
        vanished_ = 0;
        list();
        copyMissing();
        comparePresent();
        if (vanished_ == 0) return;
        // The source is being compacted: what replaces the objects that are gone is there by now.
        if (pass == kMostPasses) {
            throw Error(ErrorCode::Transient, "objects of the source vanish faster than they can be copied. Try again when it is quieter");
        }
        log::debug("objects vanished at the source, listing it again", {{"objects", vanished_}});
    }
}

std::uint64_t Migration::copyNewest() {
    if (!newestLevelZero_) return 0;
    const std::string prefix = replica::Layout(newestLevelZero_->family).prefix(replica::kLevel0);
    std::vector<Object> fresh;
    listEach(from_, prefix, newestLevelZero_->key(), patience_, [&](const ObjectInfo& info) {
        if (const auto parsed = parseKey(info.key)) fresh.push_back({parsed->id, info.size, info.timestamp, parsed->family});
    });
    if (fresh.empty()) return 0;
    for (const Object& object : fresh) source_.insert(object);
    noteSource();
    copyMissing();
    return fresh.size();
}

void Migration::copyMissing() {
    const auto steps = copyOrder(source_, destination_);
    progress_.begin(steps.size(), bytesOf(steps));
    runSteps(steps);
}

void Migration::runSteps(const std::vector<Step>& steps) {
    Sequence sequence(steps.size(), stop_.token());
    restore::Turns turns(stop_.token());
    restore::runParallel(options_.parallelism, steps.size(), stop_, [&](unsigned, std::size_t index) {
        // Memory is handed out in the order of the steps: whoever waits for earlier ones never holds what they need.
        std::optional<MemoryBudget::Lease> lease;
        turns.inTurn(index, [&] { lease.emplace(memory_.acquire(memoryFor(steps[index].object), stop_.token())); });
        copy(steps[index], sequence);
        sequence.ended(index);
        progress_.addObject();
    });
    const std::lock_guard lock(mutex_);
    for (const Object& object : arrived_) destination_.insert(object);
    arrived_.clear();
}

void Migration::copy(const Step& step, Sequence& sequence) {
    const Object& object = step.object;
    if (const auto reason = copier_.copy(object, [&] { sequence.waitFor(step.after); })) {
        return reason->code() == ErrorCode::NotFound ? noteVanished() : refuse(object, *reason);
    }
    noteSame(object);
    {
        const std::lock_guard lock(mutex_);
        ++counts_.copied;
        counts_.copiedBytes += object.size;
        arrived_.push_back(copier_.atDestination(object));
    }
    if (isToBeVerified(object)) verify(object);
}

void Migration::comparePresent() {
    std::vector<Object> present;
    for (const Object& object : source_.objects) {
        if (!same_.contains(object.id) && destination_.find(object.id) != nullptr) present.push_back(object);
    }
    restore::runParallel(options_.parallelism, present.size(), stop_, [&](unsigned, std::size_t index) { compare(present[index]); });
}

void Migration::compare(const Object& object) {
    if (const auto reason = copier_.compare(object, *destination_.find(object.id))) {
        return reason->code() == ErrorCode::NotFound ? noteVanished() : refuse(object, *reason);
    }
    noteSame(object);
    {
        const std::lock_guard lock(mutex_);
        ++counts_.skipped;
    }
    if (options_.verify != Verify::Full) return;
    const auto lease = memory_.acquire(memoryFor(object), stop_.token());
    verify(object);
}

bool Migration::isToBeVerified(const Object& object) const {
    if (options_.verify == Verify::None) return false;
    if (options_.verify == Verify::Full || isBase(object.id)) return true;
    if (newestLevelZero_ && newestLevelZero_->id == object.id) return true;
    return std::hash<std::string>{}(keyOf(object.id, LayoutFamily::Tree)) % kSampled == 0;
}

void Migration::verify(const Object& object) {
    const auto wrong = copier_.verify(object);
    const std::string key = copier_.atDestination(object).key();
    if (wrong) log::error("object is wrong at the destination", {{"key", key}, {"error", wrong->what()}});
    const std::lock_guard lock(mutex_);
    if (wrong) {
        failed_[key] = std::string("wrong at the destination: ") + wrong->what() + ". Remove it there, then migrate again";
    } else {
        ++counts_.verified;
    }
}

void Migration::confirm() {
    destination_ = takeInventory(to_, replicaPrefixes(to_), patience_);
    const std::lock_guard lock(mutex_);
    for (const ObjectId& id : same_) {
        const Object* object = source_.find(id);
        if (object == nullptr) continue;
        const Object* there = destination_.find(id);
        if (there != nullptr && there->size == object->size) continue;
        const std::string key = copier_.atDestination(*object).key();
        const char* reason = there == nullptr ? "is not at the destination any more" : "has another size at the destination";
        if (failed_.emplace(key, reason).second) log::error("object is not right at the destination", {{"key", key}, {"error", reason}});
    }
}

void Migration::deleteExtra() {
    if (!report().clean()) {
        log::warn("nothing is deleted at the destination, because not everything was copied");
        return;
    }
    if (newestTxid(destination_) > newestTxid(source_)) {
        throw Error(ErrorCode::Conflict, "delete what the source does not have: the destination has newer transactions, up to TXID " +
                                             ltx::format(newestTxid(destination_)) + ". Somebody goes on there; nothing was deleted");
    }
    // First what others build on: a chain without its beginning is refused by readers, one that ends early is not.
    auto objects = extra();
    std::stable_partition(objects.begin(), objects.end(), [](const Object& object) { return isBase(object.id); });
    for (const Object& object : objects) {
        if (isGoneFromSource(object)) remove(object);
    }
}

std::vector<Object> Migration::extra() const {
    std::vector<Object> found;
    for (const Object& object : destination_.objects) {
        if (source_.find(object.id) == nullptr) found.push_back(object);
    }
    return found;
}

bool Migration::isGoneFromSource(const Object& object) {
    for (const LayoutFamily family : {LayoutFamily::Tree, LayoutFamily::Flat}) {
        const std::string key = keyOf(object.id, family);
        try {
            patience_.run("head " + key, 0, [&](const CallContext& context) { return from_.head(key, context); });
            return false;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::NotFound) throw;
        }
    }
    return true;
}

void Migration::remove(const Object& object) {
    const std::string key = object.key();
    const auto failures = patience_.run("remove " + key, 0, [&](const CallContext& context) { return to_.remove({&key, 1}, context); });
    const std::lock_guard lock(mutex_);
    if (failures.empty()) {
        ++counts_.deleted;
        log::info("deleted at the destination", {{"key", key}});
        return;
    }
    failed_[key] = failures.front().reason;
    log::error("cannot delete at the destination", {{"key", key}, {"error", failures.front().reason}});
}

void Migration::refuse(const Object& object, const Error& error) {
    const std::lock_guard lock(mutex_);
    const bool isNews = refused_.insert_or_assign(object.key(), error.what()).second;
    if (isNews) log::error("object refused", {{"key", object.key()}, {"error", error.what()}});
}

void Migration::noteSame(const Object& object) {
    const std::lock_guard lock(mutex_);
    same_.insert(object.id);
    refused_.erase(object.key());
}

void Migration::noteVanished() {
    const std::lock_guard lock(mutex_);
    ++vanished_;
}

Report Migration::report() const {
    const std::lock_guard lock(mutex_);
    Report report = counts_;
    report.refused = listed(refused_);
    report.failed = listed(failed_);
    return report;
}

}  // namespace litestream::migrate
