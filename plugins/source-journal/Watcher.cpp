#include "Watcher.h"

#include <sys/stat.h>

#include <algorithm>

namespace litestream::journal {
namespace {

using std::chrono::milliseconds;

constexpr Watcher::Clock::duration kFirstInterval = std::chrono::microseconds(250);
constexpr Watcher::Clock::duration kLongestInterval = milliseconds(5);
constexpr auto kQuietAfter = milliseconds(40);
/// A commit is reported at its end. One that is there beside a transaction that goes on is not waited for longer than this.
constexpr auto kWriterPatience = milliseconds(50);
constexpr auto kAttachReminder = std::chrono::seconds(5);

}  // namespace

/// An attached database.
struct Watcher::Followed {
    std::shared_ptr<Watch> watch;
    const DatabaseFile& file;
    int descriptor = -1;  // of inotify; -1 = not armed
    bool isWarm = false;
    Clock::time_point nextLook{};
    Clock::duration interval{};
    Clock::time_point lastActivity{};  // an event or a change
    Clock::time_point changedSince{};  // a state that is not captured was first seen; zero = none
    std::uint32_t seen = 0;            // change counter

    /// Whether something has changed since the last look. `due` = it should be reported.
    bool look(Clock::time_point now, bool& due);
};

/// A detached database.
struct Watcher::Awaited {
    std::shared_ptr<Watch> watch;
    std::filesystem::path database;
    bool missing;
    Clock::time_point retryAt;
};

bool Watcher::Followed::look(Clock::time_point now, bool& due) {
    due = false;
    const Watch::Interest interest = watch->interest();
    std::uint32_t counter = 0;
    bool foreign = false;
    try {
        const DatabaseHeader header = file.header();
        counter = header.changeCounter;
        foreign = header.wal;
    } catch (const std::exception&) {
        foreign = true;  // the source finds out
    }
    const bool changed = counter != seen;
    seen = counter;
    if (!foreign && counter == interest.changeCounter) {
        changedSince = {};
        return changed;
    }
    if (changedSince == Clock::time_point{}) changedSince = now;
    due = interest.following && now >= interest.notBefore &&
          (now - changedSince >= kWriterPatience || !file.writerIsActive());
    return changed;
}

Watcher::Watcher(std::chrono::nanoseconds slowPoll)
    : slowPoll_(std::max<Clock::duration>(slowPoll, milliseconds(1))),
      nextSlowTick_(Clock::now() + slowPoll_) {
    thread_ = std::thread([this] { run(); });
}

Watcher::~Watcher() {
    stop_ = true;
    events_.interrupt();
    thread_.join();
}

void Watcher::follow(std::shared_ptr<Watch> watch, const DatabaseFile& file) {
    const std::lock_guard lock(mutex_);
    remove(*watch);
    followed_.push_back(std::make_unique<Followed>(Followed{.watch = std::move(watch), .file = file}));
    warm(*followed_.back(), Clock::now());
    events_.interrupt();
}

void Watcher::reconsider(const Watch& watch) {
    const std::lock_guard lock(mutex_);
    for (const auto& followed : followed_) {
        if (followed->watch.get() == &watch) warm(*followed, Clock::now());
    }
    events_.interrupt();
}

void Watcher::await(std::shared_ptr<Watch> watch, std::filesystem::path database, bool missing,
                    std::chrono::nanoseconds retryAfter) {
    const std::lock_guard lock(mutex_);
    remove(*watch);
    awaited_.push_back(
        std::make_unique<Awaited>(Awaited{std::move(watch), std::move(database), missing, Clock::now() + retryAfter}));
    events_.interrupt();
}

void Watcher::forget(const Watch& watch) {
    const std::lock_guard lock(mutex_);
    remove(watch);
}

void Watcher::remove(const Watch& watch) {
    std::erase_if(awaited_, [&](const auto& awaited) { return awaited->watch.get() == &watch; });
    const auto found = std::find_if(followed_.begin(), followed_.end(),
                                    [&](const auto& followed) { return followed->watch.get() == &watch; });
    if (found == followed_.end()) return;
    disarm(**found);
    std::erase(warm_, found->get());
    followed_.erase(found);
}

void Watcher::run() noexcept {
    Calls calls;
    while (!stop_) {
        try {
            Clock::duration pause;
            {
                const std::lock_guard lock(mutex_);
                pause = untilNextLook(Clock::now());
            }
            events_.wait(pause);
            calls.clear();
            {
                const std::lock_guard lock(mutex_);
                const auto now = Clock::now();
                readEvents(now, calls);
                lookAtWarm(now, calls);
                if (now >= nextSlowTick_) slowTick(now, calls);
                remindOfDetached(now, calls);
            }
            for (const auto& call : calls) call.watch->wake(call.reason);
        } catch (...) {
            // Out of memory: what was not looked at is seen by the next slow tick.
            events_.wait(slowPoll_);
        }
    }
}

Watcher::Clock::duration Watcher::untilNextLook(Clock::time_point now) const {
    auto next = nextSlowTick_;
    for (const Followed* followed : warm_) next = std::min(next, followed->nextLook);
    for (const auto& awaited : awaited_) {
        if (!awaited->missing) next = std::min(next, awaited->retryAt);
    }
    return std::max(next - now, Clock::duration::zero());
}

void Watcher::readEvents(Clock::time_point now, Calls& calls) {
    events_.read([&](int descriptor, std::uint32_t mask) {
        if (sqlite::FileEvents::isOverflow(mask)) {
            for (const auto& followed : followed_) warm(*followed, now);
            return;
        }
        const auto found = byDescriptor_.find(descriptor);
        if (found == byDescriptor_.end()) return;  // disarmed since, or the end of a one-shot watch
        Followed& followed = *found->second;
        byDescriptor_.erase(found);
        followed.descriptor = -1;
        warm(followed, now);
        if (sqlite::FileEvents::isAboutName(mask) && !followed.file.replaced().empty()) {
            report(followed, Wake::Pressing, calls);
        }
    });
}

void Watcher::warm(Followed& followed, Clock::time_point now) {
    followed.lastActivity = now;
    followed.interval = kFirstInterval;
    followed.nextLook = now;
    if (followed.isWarm) return;
    followed.isWarm = true;
    warm_.push_back(&followed);
}

void Watcher::report(Followed& followed, Wake reason, Calls& calls) {
    if (followed.watch->firstReport(reason)) calls.push_back({followed.watch, reason});
}

void Watcher::lookAtWarm(Clock::time_point now, Calls& calls) {
    for (std::size_t i = 0; i < warm_.size();) {
        Followed& followed = *warm_[i++];
        if (followed.nextLook > now) continue;
        bool due = false;
        const bool changed = followed.look(now, due);
        if (due) report(followed, Wake::Changed, calls);
        const Watch::Interest interest = followed.watch->interest();
        const bool called = interest.callAt != Watch::TimePoint{};
        if (called && now >= interest.callAt) report(followed, Wake::Pressing, calls);
        // What waits for its time is looked at then.
        auto waitsUntil = Clock::time_point::max();
        if (followed.changedSince != Clock::time_point{} && !due) {
            waitsUntil = std::max(interest.notBefore, now + kLongestInterval);
        }
        if (called && interest.callAt > now) waitsUntil = std::min(waitsUntil, interest.callAt);
        if (changed) followed.lastActivity = now;
        followed.interval = changed ? kFirstInterval : std::min(followed.interval * 2, kLongestInterval);
        followed.nextLook = std::min(now + followed.interval, waitsUntil);
        if (now - followed.lastActivity < kQuietAfter) continue;
        // Watch again first and look once more then: what happens in between is seen by one of the two.
        arm(followed);
        if (followed.look(now, due)) {
            followed.lastActivity = now;
            continue;
        }
        followed.nextLook = waitsUntil;
        if (waitsUntil != Clock::time_point::max()) continue;
        followed.isWarm = false;
        warm_[--i] = warm_.back();
        warm_.pop_back();
    }
}

void Watcher::arm(Followed& followed) {
    if (followed.descriptor >= 0) return;
    followed.descriptor = events_.add(followed.file.path());
    if (followed.descriptor >= 0) byDescriptor_[followed.descriptor] = &followed;
}

void Watcher::disarm(Followed& followed) {
    if (followed.descriptor < 0) return;
    byDescriptor_.erase(followed.descriptor);
    events_.remove(followed.descriptor);
    followed.descriptor = -1;
}

void Watcher::slowTick(Clock::time_point now, Calls& calls) {
    nextSlowTick_ = now + slowPoll_;
    for (const auto& followed : followed_) {
        if (!followed->file.replaced().empty()) report(*followed, Wake::Pressing, calls);
        bool due = false;
        if (!followed->isWarm && (followed->look(now, due) || due)) warm(*followed, now);
    }
    for (const auto& awaited : awaited_) {
        struct stat info {};
        if (!awaited->missing || ::stat(awaited->database.c_str(), &info) != 0) continue;
        if (!S_ISREG(info.st_mode) || info.st_size < 512) continue;
        awaited->missing = false;
        awaited->retryAt = now;
    }
}

void Watcher::remindOfDetached(Clock::time_point now, Calls& calls) {
    for (const auto& awaited : awaited_) {
        if (awaited->missing || now < awaited->retryAt) continue;
        awaited->retryAt = now + kAttachReminder;
        calls.push_back({awaited->watch, Wake::Attach});
    }
}

}  // namespace litestream::journal
