#pragma once

#include "transport/Timing.h"

#include <cstdint>
#include <mutex>

namespace litestream::transport {

/// How fast a store may be used. 0 = as fast as it can. Below 64 KiB a second uploads run into their deadlines.
struct Rates {
    double requestsPerSecond = 0;
    double bytesPerSecond = 0;

    bool limited() const noexcept { return requestsPerSecond > 0 || bytesPerSecond > 0; }
};

/// Two token buckets that hold a second's worth each, shared by the transports of a replica or of a whole process. Whoever finds a
/// bucket not empty goes on at once and may overdraw it; the debt is what the next one waits for. So no request is too large.
///
/// Threads: all methods may be called concurrently.
class RateLimit {
public:
    /// `timing` outlives the limit.
    RateLimit(const Rates& rates, Timing& timing);

    /// Waits until a request may begin. Throws Error(Cancelled) when the context ends before.
    void takeRequest(const CallContext& context) { take(requests_, 1, context); }
    /// Waits until `count` bytes may go over the line.
    void takeBytes(std::uint64_t count, const CallContext& context) { take(bytes_, static_cast<double>(count), context); }
    /// Charges bytes that have come already, without a wait.
    void noteBytes(std::uint64_t count);

private:
    struct Bucket {
        double perSecond = 0;
        double tokens = 0;
        Timing::Clock::time_point filled{};
    };

    void take(Bucket& bucket, double count, const CallContext& context);
    void fill(Bucket& bucket);
    static double capacity(double perSecond) noexcept;

    Timing& timing_;
    std::mutex mutex_;  // guards the buckets; nobody waits with it
    Bucket requests_;
    Bucket bytes_;
};

}  // namespace litestream::transport
