#pragma once

#include "CredentialSource.h"

#include <litestream/Error.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace litestream::s3 {

/// Asks sources in their order and keeps what the first one gives. One thread at a time refreshes; the others go on
/// with what is still valid, or wait. The store knows better than the local clock what has expired: what it rejects is
/// given out no more, and what a source gives out is taken even if it seems to have expired. A failure is kept for a moment too, so that a replica that tries again does not
/// storm a metadata service.
class CachedCredentials final : public CredentialProvider {
public:
    using Clock = std::function<WallTime()>;

    CachedCredentials(std::vector<std::unique_ptr<CredentialSource>> sources, Clock clock);

    Credentials get(const CallContext& context) override;
    bool reject(const Credentials& refused) override;

private:
    bool isFresh(WallTime now) const;
    bool isValid(WallTime now) const;
    bool isPausing(WallTime now) const;
    void refresh(std::unique_lock<std::mutex>& lock, const CallContext& context);
    void wait(std::unique_lock<std::mutex>& lock, const CallContext& context);
    Credentials ask(const CallContext& context, std::size_t& index);

    const std::vector<std::unique_ptr<CredentialSource>> sources_;  ///< used by the refreshing thread only
    const Clock clock_;
    std::mutex mutex_;  ///< guards what follows
    std::condition_variable done_;
    bool refreshing_ = false;
    std::optional<Credentials> kept_;
    bool rejected_ = false;         ///< kept_, by the store
    std::size_t keptFrom_ = 0;      ///< index of the source that gave kept_
    std::optional<Error> failure_;  ///< of the last refresh
    WallTime notBefore_{};          ///< no other refresh earlier
};

}  // namespace litestream::s3
