#include "transport/Timing.h"

#include <condition_variable>
#include <mutex>
#include <random>

namespace litestream::transport {
namespace {

class SystemTiming final : public Timing {
public:
    Clock::time_point now() const override { return Clock::now(); }

    void wait(Clock::duration time, const CancellationToken& token) override {
        std::mutex mutex;
        std::condition_variable wake;
        bool cancelled = false;  // guarded by mutex
        const auto registration = token.onCancel([&] {
            const std::lock_guard lock(mutex);
            cancelled = true;
            wake.notify_all();
        });
        std::unique_lock lock(mutex);
        wake.wait_for(lock, time, [&] { return cancelled; });
    }

    double random() override {
        thread_local std::mt19937_64 engine{std::random_device{}()};
        return std::uniform_real_distribution<double>{0.0, 1.0}(engine);
    }
};

}  // namespace

Timing& systemTiming() {
    static SystemTiming timing;
    return timing;
}

}  // namespace litestream::transport
