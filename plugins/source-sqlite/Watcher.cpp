#include "Watcher.h"

#include "Followed.h"

#include <sys/stat.h>

#include <algorithm>

namespace litestream::sqlite {
namespace {

/// A database file is not watched; all paths are looked at once in this many slow ticks.
constexpr std::size_t kPathCheckTicks = 32;
constexpr auto kAttachReminder = std::chrono::seconds(5);

}  // namespace

Watcher::Watcher(std::chrono::nanoseconds slowPoll)
    : slowPoll_(std::max<Clock::duration>(slowPoll, std::chrono::milliseconds(1))),
      nextSlowTick_(Clock::now() + slowPoll_) {
    thread_ = std::thread([this] { run(); });
}

Watcher::~Watcher() {
    stop_ = true;
    events_.interrupt();
    thread_.join();
}

void Watcher::follow(std::shared_ptr<Watch> watch, const LockConnection& connection) {
    const std::lock_guard lock(mutex_);
    remove(*watch);
    followed_.push_back(std::make_unique<Followed>(std::move(watch), connection));
    warm(*followed_.back(), Clock::now());
    events_.interrupt();
}

void Watcher::await(std::shared_ptr<Watch> watch, std::filesystem::path database, bool missing,
                    std::chrono::nanoseconds retryAfter) {
    const std::lock_guard lock(mutex_);
    remove(*watch);
    awaited_.push_back(
        std::make_unique<Awaited>(Awaited{std::move(watch), std::move(database), missing, Clock::now() + retryAfter}));
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
    std::swap(*found, followed_.back());
    followed_.pop_back();
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
                look(calls);
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
    return std::max(next - now, Clock::duration::zero());
}

void Watcher::look(Calls& calls) {
    const auto now = Clock::now();
    readEvents(now, calls);
    pollWarm(now, calls);
    if (now >= nextSlowTick_) {
        nextSlowTick_ = now + slowPoll_;
        slowTick(now, calls);
    }
}

void Watcher::readEvents(Clock::time_point now, Calls& calls) {
    events_.read([&](int descriptor, std::uint32_t mask) {
        const auto found = byDescriptor_.find(descriptor);
        if (found == byDescriptor_.end()) return;  // disarmed since, or the end of a one-shot watch
        Followed& followed = *found->second;
        (descriptor == followed.walDescriptor ? followed.walDescriptor : followed.databaseDescriptor) = -1;
        byDescriptor_.erase(found);
        if (FileEvents::isAboutName(mask) && !followed.connection.replaced().empty() &&
            followed.watch->firstReport(Wake::Pressing)) {
            calls.push_back({followed.watch, Wake::Pressing});
        }
        warm(followed, now);
        followed.unexplained_ = true;
    });
}

/// From watching to polling. A watch that is left raises one event more and ends with it.
void Watcher::warm(Followed& followed, Clock::time_point now) {
    followed.lastActivity_ = now;
    followed.interval_ = {};
    followed.nextLook = now;
    if (followed.isWarm) return;
    followed.isWarm = true;
    warm_.push_back(&followed);
}

void Watcher::pollWarm(Clock::time_point now, Calls& calls) {
    for (std::size_t i = 0; i < warm_.size();) {
        Followed& followed = *warm_[i++];
        if (followed.nextLook > now) continue;
        const bool changed = followed.look(now, calls);
        followed.schedule(now, changed);
        if (!followed.quiet(now)) continue;
        // Watch again first and look once more then: what happens in between is seen by one of the two.
        arm(followed);
        if (followed.look(now, calls) || followed.underway(now)) continue;
        followed.isWarm = false;
        warm_[--i] = warm_.back();
        warm_.pop_back();
    }
}

void Watcher::arm(Followed& followed) {
    if (followed.walDescriptor < 0) addWatch(followed, followed.walDescriptor, followed.connection.walPath());
    if (followed.databaseDescriptor < 0 && followed.awaitsBackfill()) addWatch(followed, followed.databaseDescriptor, followed.connection.path());
}

void Watcher::addWatch(Followed& followed, int& descriptor, const std::filesystem::path& path) {
    descriptor = events_.add(path);
    if (descriptor >= 0) byDescriptor_[descriptor] = &followed;
}

void Watcher::disarm(Followed& followed) {
    for (int* descriptor : {&followed.walDescriptor, &followed.databaseDescriptor}) {
        if (*descriptor < 0) continue;
        byDescriptor_.erase(*descriptor);
        events_.remove(*descriptor);
        *descriptor = -1;
    }
}

void Watcher::slowTick(Clock::time_point now, Calls& calls) {
    // A look is a few reads of cold memory: they are begun some databases ahead.
    constexpr std::size_t kAhead = 4;
    for (std::size_t i = 0; i < followed_.size(); ++i) {
        if (i + 2 * kAhead < followed_.size()) __builtin_prefetch(followed_[i + 2 * kAhead].get());
        if (i + kAhead < followed_.size()) followed_[i + kAhead]->prefetch();
        const auto& followed = followed_[i];
        if (!followed->isWarm && followed->look(now, calls)) warm(*followed, now);
        const auto callAt = followed->callAt();
        if (callAt != Clock::time_point{} && now >= callAt && followed->watch->firstReport(Wake::Pressing)) {
            calls.push_back({followed->watch, Wake::Pressing});
        }
    }
    checkPaths(calls);
    checkAwaited(now, calls);
}

void Watcher::checkPaths(Calls& calls) {
    const std::size_t share = (followed_.size() + kPathCheckTicks - 1) / kPathCheckTicks;
    for (std::size_t i = 0; i < share; ++i) {
        const Followed& followed = *followed_[nextPathCheck_++ % followed_.size()];
        // A -wal that goes away raises an event.
        if (followed.connection.databaseReplaced() && followed.watch->firstReport(Wake::Pressing)) {
            calls.push_back({followed.watch, Wake::Pressing});
        }
    }
}

void Watcher::checkAwaited(Clock::time_point now, Calls& calls) {
    for (const auto& awaited : awaited_) {
        struct stat info {};
        const bool appeared = awaited->missing && ::stat(awaited->database.c_str(), &info) == 0 &&
                              S_ISREG(info.st_mode) && info.st_size >= 512;
        if (!appeared && (awaited->missing || now < awaited->retryAt)) continue;
        awaited->missing = false;
        awaited->retryAt = now + kAttachReminder;
        calls.push_back({awaited->watch, Wake::Attach});
    }
}

}  // namespace litestream::sqlite
