#pragma once

#include "transport/RetryPolicy.h"
#include "transport/Timing.h"

#include <litestream/Call.h>
#include <litestream/Error.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace litestream::migrate {

/// Repeats calls that failed in a way that heals, between their inner attempts (transport/RetryPolicy.h), until nothing has succeeded for as long
/// as the limit says. Thread-safe; one for a whole migration, so that one answer keeps all callers patient.
class Patience {
public:
    using Duration = std::chrono::nanoseconds;

    /// No limit = for ever. `slowest` is how fast bytes move at least, in bytes per second, when nothing is wrong. `timing` outlives this.
    Patience(std::optional<Duration> limit, std::uint64_t slowest, CancellationToken token, transport::Timing& timing);

    /// Returns what `call(context)` returns. `bytes` is how much it moves: its deadline follows from that. Throws what does not heal, or
    /// the last failure when patience is at its end.
    template <class Call>
    auto run(const std::string& what, std::uint64_t bytes, const Call& call) {
        for (unsigned failures = 1;; ++failures) {
            try {
                auto result = call(context(bytes, failures));
                succeeded();
                return result;
            } catch (const Error& error) {
                wait(what, error, failures);
            }
        }
    }

    const CancellationToken& token() const noexcept { return token_; }

    /// Resets the clock: the limit counts from the last success.
    void succeeded();

private:
    CallContext context(std::uint64_t bytes, unsigned attempt) const;
    void wait(const std::string& what, const Error& error, unsigned failures);

    const std::optional<Duration> limit_;
    const std::uint64_t slowest_;
    const CancellationToken token_;
    transport::Timing& timing_;
    const transport::RetryPolicy policy_;
    std::mutex mutex_;  // guards the times
    transport::Timing::Clock::time_point success_;
    std::optional<transport::Timing::Clock::time_point> told_;
};

}  // namespace litestream::migrate
