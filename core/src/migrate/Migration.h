#pragma once

#include "ltx/CodecSet.h"
#include "migrate/Copier.h"
#include "migrate/CopyOrder.h"
#include "migrate/MemoryBudget.h"
#include "migrate/ProgressCount.h"
#include "migrate/Report.h"
#include "migrate/Sequence.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace litestream::migrate {

/// Which copied objects are read back from the destination.
enum class Verify {
    None,
    Sampled,  ///< those on which others build, the newest one, and about one in sixteen of the rest
    Full,     ///< all of them, and those that were there already
};

struct Options {
    unsigned parallelism = 8;
    std::uint64_t memoryBytes = 40u << 20;
    Verify verify = Verify::Sampled;
    std::shared_ptr<transport::RateLimit> rate = nullptr;  ///< of bytes read, at both ends together; null = no limit
    std::function<void(const Progress&)> progress = {};  ///< called on any thread, one call at a time
};

/// What a pass would do.
struct Preview {
    std::vector<Step> steps;
    std::vector<Object> present;  ///< as the source lists them: would be compared
    std::vector<Object> extra;    ///< at the destination alone
};

/// Copies one replica, from wherever it lies to wherever it is wanted. Can be repeated at any time: what is there already is not sent again.
///
/// What is damaged is refused and named, what has vanished meanwhile is passed over, and the rest goes on. A failure at the destination that does not heal
/// ends the migration: it is thrown, and `stop` is cancelled.
///
/// Threads: the public methods belong to one caller at a time.
class Migration {
public:
    /// All of these outlive the migration. `patience` has the token of `stop`. The transports are composed ones (transport/Compose.h).
    Migration(Transport& from, Transport& to, const ltx::CodecSet& codecs, Options options, Patience& patience, CancellationSource& stop);

    /// Lists both ends and looks whose the destination is (requireSameReplica). Error(NotFound) when there is no replica at the source.
    Preview preview();

    /// One pass: everything that the source has now. Again when objects vanished meanwhile, a few times.
    void copyAll();

    /// Copies the level-0 files that came since the last listing, asking for nothing else. Returns how many.
    std::uint64_t copyNewest();

    /// Whether level-0 files were listed: without, copyNewest() finds nothing.
    bool hasLevelZero() const noexcept { return newestLevelZero_.has_value(); }

    /// Lists the destination once more: every object of the source that was not refused must be there in its full size.
    void confirm();

    /// Removes the objects of the replica that are at the destination and not at the source; each one is asked for at the source once more. Does nothing
    /// while something was refused or has failed. Throws Error(Conflict) when the destination has newer transactions than the source.
    void deleteExtra();

    Report report() const;

private:
    void list();
    void noteSource();
    void copyMissing();
    void comparePresent();
    void runSteps(const std::vector<Step>& steps);
    void copy(const Step& step, Sequence& sequence);
    void compare(const Object& object);
    void verify(const Object& object);
    bool isToBeVerified(const Object& object) const;
    std::vector<Object> extra() const;
    bool isGoneFromSource(const Object& object);
    void remove(const Object& object);
    void refuse(const Object& object, const Error& error);
    void noteSame(const Object& object);
    void noteVanished();

    Transport& from_;
    Transport& to_;
    const ltx::CodecSet& codecs_;
    const Options options_;
    Patience& patience_;
    CancellationSource& stop_;
    MemoryBudget memory_;
    ProgressCount progress_;
    const Copier copier_;

    // of the caller's thread, and read by workers while it waits for them
    Inventory source_;
    Inventory destination_;
    std::optional<Object> newestLevelZero_;  ///< at the source
    bool related_ = false;

    mutable std::mutex mutex_;  // guards everything below
    Report counts_;
    std::set<ObjectId> same_;  ///< known to be the same at both ends
    std::map<std::string, std::string> refused_;  ///< reasons by key
    std::map<std::string, std::string> failed_;
    std::vector<Object> arrived_;
    std::uint64_t vanished_ = 0;
};

}  // namespace litestream::migrate
