#include "CachedCredentials.h"

#include <utility>

namespace litestream::s3 {

namespace {

using namespace std::chrono_literals;

constexpr auto kRefreshBefore = 5min;
/// Between two refreshes, also when the first one gave credentials that expire soon.
constexpr auto kPause = 5s;

bool areSame(const Credentials& a, const Credentials& b) {
    return a.accessKeyId == b.accessKeyId && a.sessionToken.reveal() == b.sessionToken.reveal();
}

}  // namespace

CachedCredentials::CachedCredentials(std::vector<std::unique_ptr<CredentialSource>> sources, Clock clock)
    : sources_(std::move(sources)), clock_(std::move(clock)) {}

bool CachedCredentials::isFresh(WallTime now) const {
    return isValid(now) && (!kept_->expires || now < *kept_->expires - kRefreshBefore);
}

bool CachedCredentials::isValid(WallTime now) const {
    return kept_ && !rejected_ && (!kept_->expires || now < *kept_->expires);
}

bool CachedCredentials::isPausing(WallTime now) const {
    // A clock that is set back must not make it a long pause.
    return now < notBefore_ && notBefore_ - now <= kPause;
}

bool CachedCredentials::reject(const Credentials& refused) {
    const std::lock_guard lock(mutex_);
    // Others have been fetched since, or are about to be.
    if (!kept_ || rejected_ || !areSame(*kept_, refused)) return true;
    if (isPausing(clock_())) return false;
    rejected_ = true;
    return true;
}

Credentials CachedCredentials::get(const CallContext& context) {
    std::unique_lock lock(mutex_);
    for (;;) {
        const WallTime now = clock_();
        if (refreshing_) {
            if (isValid(now)) return *kept_;
            wait(lock, context);
            continue;
        }
        const bool changed = kept_ && sources_[keptFrom_]->changed();
        if (!changed && (isFresh(now) || (isValid(now) && isPausing(now)))) return *kept_;
        if (!isValid(now) && failure_ && isPausing(now)) throw *failure_;
        refresh(lock, context);
    }
}

void CachedCredentials::refresh(std::unique_lock<std::mutex>& lock, const CallContext& context) {
    refreshing_ = true;
    lock.unlock();
    std::optional<Credentials> fetched;
    std::optional<Error> failure;
    std::size_t index = 0;
    try {
        fetched = ask(context, index);
    } catch (const Error& error) {
        failure = error;
    } catch (const std::exception& exception) {
        failure.emplace(ErrorCode::Transient, std::string("get s3 credentials: ") + exception.what());
    }
    lock.lock();
    refreshing_ = false;
    done_.notify_all();
    // Who was told to stop learned nothing about the sources.
    if (failure && failure->code() == ErrorCode::Cancelled) throw Error(*failure);
    if (fetched) {
        kept_ = std::move(fetched);
        rejected_ = false;
        keptFrom_ = index;
    }
    failure_ = std::move(failure);
    notBefore_ = clock_() + kPause;
}

void CachedCredentials::wait(std::unique_lock<std::mutex>& lock, const CallContext& context) {
    // The action takes the mutex, so that no cancellation falls between the check and the wait. Beginning and ending
    // the registration wait for a running action, so they must not hold it.
    lock.unlock();
    auto registration = context.cancellation.onCancel([this] {
        const std::lock_guard guard(mutex_);
        done_.notify_all();
    });
    lock.lock();
    const auto ended = [&] {
        return !refreshing_ || context.cancellation.cancelled() ||
               context.remaining() == CallContext::Clock::duration::zero();
    };
    done_.wait_for(lock, context.remaining(), ended);
    lock.unlock();
    registration.reset();
    context.check("get s3 credentials");
    lock.lock();
}

Credentials CachedCredentials::ask(const CallContext& context, std::size_t& index) {
    for (index = 0; index < sources_.size(); ++index) {
        context.check("get s3 credentials");
        auto found = sources_[index]->fetch(context);
        if (!found) continue;
        if (found->expires && *found->expires <= clock_()) {
            // More likely the local clock is ahead. The store decides; the source is asked again in five minutes.
            found->expires = clock_() + 2 * kRefreshBefore;
        }
        return std::move(*found);
    }
    throw Error(ErrorCode::Denied,
                "no credentials for s3: none in the environment, in the AWS files, from a container or from instance "
                "metadata. Set LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY, or access-key-id and "
                "secret-access-key in the configuration file");
}

}  // namespace litestream::s3
