#include "migrate/Migration.h"

#include "restore/Workers.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace litestream::migrate {
namespace {

constexpr int kMostPasses = 4;
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

}  // namespace

Migration::Migration(Transport& from, Transport& to, const ltx::CodecSet& codecs, Options options, Patience& patience,
                     CancellationSource& stop)
    : codecs_(codecs), options_(std::move(options)), patience_(patience), stop_(stop), from_(from, options_.rate), to_(to, options_.rate),
      memory_(options_.memoryBytes), progress_(options_.progress) {}

void Migration::list() {
    const std::string everything;
    source_ = takeInventory(from_.transport(), {&everything, 1}, patience_);
    if (source_.objects.empty()) throw Error(ErrorCode::NotFound, "no replica found at the source");
    destination_ = takeInventory(to_.transport(), replicaPrefixes(to_.transport()), patience_);
    const std::lock_guard lock(mutex_);
    counts_.unknown = source_.unknown;
    if (related_) return;
    for (const std::string& key : source_.unknownKeys) log::warn("object is no part of a replica, not copied", {{"key", key}});
    requireSameReplica({from_, to_}, source_, destination_, codecs_, patience_);
    related_ = true;
}

Preview Migration::preview() {
    list();
    Preview preview{copyOrder(source_, destination_), {}, extra()};
    for (const Object& object : source_.objects) {
        if (destination_.find(object.id) != nullptr) preview.present.push_back(object);
    }
    return preview;
}

std::vector<Object> Migration::extra() const {
    std::vector<Object> found;
    for (const Object& object : destination_.objects) {
        if (source_.find(object.id) == nullptr) found.push_back(object);
    }
    return found;
}

void Migration::copyAll() {
    for (int pass = 1;; ++pass) {
        vanished_ = 0;
        list();
        copyMissing();
        comparePresent();
        if (vanished_ == 0) return;
        // The source is being compacted: what replaces the objects that are gone is there by now.
        if (pass == kMostPasses) throw Error(ErrorCode::Transient, "objects of the source vanish faster than they can be copied. Try again when it is quieter");
        log::debug("objects vanished at the source, listing it again", {{"objects", vanished_}});
    }
}

void Migration::copyMissing() {
    const auto steps = copyOrder(source_, destination_);
    progress_.begin(steps.size(), bytesOf(steps));
    runSteps(steps);
}

bool Migration::hasLevelZero() const { return newestLevelZero() != nullptr; }

const Object* Migration::newestLevelZero() const {
    const Object* newest = nullptr;
    for (const Object& object : source_.objects) {
        if (!isLtx(object.id)) break;
        const auto& file = std::get<replica::FileId>(object.id);
        if (file.level == replica::kLevel0) newest = &object;  // they ascend
    }
    return newest;
}

std::uint64_t Migration::copyNewest() {
    const Object* newest = newestLevelZero();
    if (newest == nullptr) return 0;
    const std::string prefix = replica::Layout(newest->family).prefix(replica::kLevel0);
    std::vector<Object> fresh;
    listEach(from_.transport(), prefix, newest->key(), patience_, [&](const ObjectInfo& info) {
        if (const auto parsed = parseKey(info.key)) fresh.push_back({parsed->id, info.size, info.timestamp, parsed->family});
    });
    if (fresh.empty()) return 0;
    for (const Object& object : fresh) source_.insert(object);
    copyMissing();
    return fresh.size();
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
    for (int attempt = 1;; ++attempt) {
        const auto reason = copyOnce(step, sequence);
        if (!reason) break;
        if (reason->code() == ErrorCode::NotFound) {
            const std::lock_guard lock(mutex_);
            ++vanished_;
            return;
        }
        // What does not pass is read once more, from the beginning: it may have been damaged on the way.
        if (reason->code() == ErrorCode::Corrupt && attempt == 1) continue;
        refuse(step.object, *reason);
        return;
    }
    settle(step.object);
    if (wanted(step.object)) verifyCopy(step.object);
}

/// The reason why this object is not to be had: it is gone, damaged, or another one at the destination. Throws what is wrong with more than one object.
std::optional<Error> Migration::copyOnce(const Step& step, Sequence& sequence) {
    const Object& object = step.object;
    std::unique_ptr<CheckedContent> content;
    try {
        content = openChecked(object, pieces(from_, object, true), codecs_);
        PutOptions options;
        options.timestamp = isLtx(object.id) ? content->timestamp().value_or(Timestamp{}) : timestampOf(object);
        sequence.waitFor(step.after);
        put(object, *content, options);
        return std::nullopt;
    } catch (const Error& error) {
        const bool ofSource = content == nullptr || content->failure().has_value();
        const bool ofObject = ofSource || error.code() == ErrorCode::Conflict;
        const bool heals = transport::RetryPolicy::heals(error.code()) || error.code() == ErrorCode::Cancelled;
        if (stop_.token().cancelled() || !ofObject || heals) throw error.within("copy " + object.key());
        return error;
    }
}

void Migration::put(const Object& object, CheckedContent& content, const PutOptions& wish) {
    const std::string key = atDestination(object).key();
    PutOptions options = wish;
    options.onlyIfAbsent = to_.transport().capabilities().conditionalPut;
    bool used = false;
    try {
        patience_.run("put " + key, object.size, [&](const CallContext& context) {
            if (std::exchange(used, true)) content.rewind();
            return to_.transport().put(key, content, options, context);
        });
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Conflict || content.failure()) throw;
        // It exists: an earlier attempt whose answer was lost, or somebody else's.
        const auto found = patience_.run("head " + key, 0, [&](const CallContext& context) { return to_.transport().head(key, context); });
        Object there = atDestination(object);
        there.size = found.size;
        if (!isSame({from_, to_}, object, there, patience_)) {
            throw Error(ErrorCode::Conflict, "the destination has another object under this name. Remove it there, then migrate again");
        }
    }
    const std::lock_guard lock(mutex_);
    ++counts_.copied;
    counts_.copiedBytes += object.size;
    arrived_.push_back(atDestination(object));
}

/// Kept with the object where a content tells no time.
Timestamp Migration::timestampOf(const Object& object) {
    if (from_.transport().capabilities().listsTimestamp) return object.timestamp;
    const std::string key = object.key();
    return patience_.run("head " + key, 0, [&](const CallContext& context) { return from_.transport().head(key, context); }).timestamp;
}

void Migration::comparePresent() {
    std::vector<Object> present;
    for (const Object& object : source_.objects) {
        if (!same_.contains(object.id) && destination_.find(object.id) != nullptr) present.push_back(object);
    }
    restore::runParallel(options_.parallelism, present.size(), stop_, [&](unsigned, std::size_t index) { compare(present[index]); });
}

void Migration::compare(const Object& object) {
    const Object there = *destination_.find(object.id);
    try {
        if (!isSame({from_, to_}, object, there, patience_)) {
            throw Error(ErrorCode::Conflict, "the destination has another object under this name. Remove it there, then migrate again");
        }
    } catch (const Error& error) {
        if (stop_.token().cancelled()) throw;
        if (error.code() == ErrorCode::NotFound) {
            const std::lock_guard lock(mutex_);
            ++vanished_;
            return;
        }
        if (error.code() != ErrorCode::Conflict && error.code() != ErrorCode::Corrupt) throw error.within("compare " + object.key());
        refuse(object, error);
        return;
    }
    settle(object);
    {
        const std::lock_guard lock(mutex_);
        ++counts_.skipped;
    }
    if (options_.verify != Verify::Full) return;
    const auto lease = memory_.acquire(memoryFor(object), stop_.token());
    verifyCopy(object);
}

bool Migration::wanted(const Object& object) const {
    if (options_.verify == Verify::None) return false;
    if (options_.verify == Verify::Full || isBase(object.id)) return true;
    const Object* newest = newestLevelZero();
    if (newest != nullptr && newest->id == object.id) return true;
    return std::hash<std::string>{}(keyOf(object.id, LayoutFamily::Tree)) % kSampled == 0;
}

/// Reads the object back. Its ending has been compared, or is what was sent; the rest must fit it.
void Migration::verifyCopy(const Object& source) {
    const Object there = atDestination(source);
    const auto attempt = [&] { checkObject(there, pieces(to_, there, false), codecs_); };
    try {
        try {
            attempt();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Corrupt) throw;
            attempt();  // it may have been damaged on the way back
        }
        if (!isSame({from_, to_}, source, there, patience_)) throw Error(ErrorCode::Corrupt, "it is not what was sent");
        const std::lock_guard lock(mutex_);
        ++counts_.verified;
    } catch (const Error& error) {
        if (stop_.token().cancelled()) throw;
        if (error.code() != ErrorCode::Corrupt && error.code() != ErrorCode::NotFound) throw error.within("verify " + there.key());
        log::error("object is wrong at the destination", {{"key", there.key()}, {"error", error.what()}});
        const std::lock_guard lock(mutex_);
        failed_[there.key()] = std::string("wrong at the destination: ") + error.what() + ". Remove it there, then migrate again";
    }
}

void Migration::confirm() {
    destination_ = takeInventory(to_.transport(), replicaPrefixes(to_.transport()), patience_);
    const std::lock_guard lock(mutex_);
    for (const ObjectId& id : same_) {
        const Object* object = source_.find(id);
        if (object == nullptr) continue;
        const Object* there = destination_.find(id);
        if (there != nullptr && there->size == object->size) continue;
        const std::string key = atDestination(*object).key();
        failed_.emplace(key, there == nullptr ? "is not at the destination any more" : "has another size at the destination");
    }
    for (const auto& [key, reason] : failed_) log::error("object is not right at the destination", {{"key", key}, {"error", reason}});
}

void Migration::deleteExtra() {
    if (!refused_.empty() || !failed_.empty()) {
        log::warn("nothing is deleted at the destination, because not everything was copied");
        return;
    }
    const auto newest = [](const Inventory& inventory) {
        Txid txid;
        for (const Object& object : inventory.objects) {
            if (const auto* file = std::get_if<replica::FileId>(&object.id)) txid = std::max(txid, file->range.max);
        }
        return txid;
    };
    if (newest(destination_) > newest(source_)) {
        throw Error(ErrorCode::Conflict, "delete what the source does not have: the destination has newer transactions, up to TXID " +
                                             ltx::format(newest(destination_)) + ". Somebody goes on there; nothing was deleted");
    }
    const auto isGone = [&](const Object& object) {
        for (const LayoutFamily family : {LayoutFamily::Tree, LayoutFamily::Flat}) {
            const std::string key = keyOf(object.id, family);
            try {
                patience_.run("head " + key, 0, [&](const CallContext& context) { return from_.transport().head(key, context); });
                return false;
            } catch (const Error& error) {
                if (error.code() != ErrorCode::NotFound) throw;
            }
        }
        return true;
    };
    // First what others build on: a chain without its beginning is refused by readers, one that ends early is not.
    auto objects = extra();
    std::stable_partition(objects.begin(), objects.end(), [](const Object& object) { return isBase(object.id); });
    for (const Object& object : objects) {
        if (!isGone(object)) continue;
        const std::string key = object.key();
        const auto failures = patience_.run("remove " + key, 0, [&](const CallContext& context) { return to_.transport().remove({&key, 1}, context); });
        const std::lock_guard lock(mutex_);
        if (failures.empty()) {
            ++counts_.deleted;
            log::info("deleted at the destination", {{"key", key}});
        } else {
            failed_[key] = failures.front().reason;
            log::error("cannot delete at the destination", {{"key", key}, {"error", failures.front().reason}});
        }
    }
}

Object Migration::atDestination(const Object& object) const {
    Object there = object;
    there.family = to_.transport().capabilities().layout;
    return there;
}

PieceReader Migration::pieces(const ObjectReader& reader, const Object& object, bool counted) {
    return [this, &reader, key = object.key(), counted](std::uint64_t offset, MutableBytes into) {
        patience_.run("get " + key, into.size(), [&](const CallContext& context) {
            reader.read(key, offset, into, context);
            return true;
        });
        if (counted) progress_.addBytes(into.size());
    };
}

void Migration::refuse(const Object& object, const Error& error) {
    const std::lock_guard lock(mutex_);
    const bool isNews = refused_.insert_or_assign(object.key(), error.what()).second;
    if (isNews) log::error("object refused", {{"key", object.key()}, {"error", error.what()}});
}

void Migration::settle(const Object& object) {
    const std::lock_guard lock(mutex_);
    same_.insert(object.id);
    refused_.erase(object.key());
}

Report Migration::report() const {
    const std::lock_guard lock(mutex_);
    Report report = counts_;
    report.refused = listed(refused_);
    report.failed = listed(failed_);
    return report;
}

}  // namespace litestream::migrate
