#include "Together.h"

#include "Trail.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace litestream::conformance {

namespace {

constexpr auto kPatience = std::chrono::milliseconds(300);

}  // namespace

void together(unsigned count, const std::function<void(unsigned)>& action) {
    std::atomic<unsigned> ready{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            ++ready;
            while (ready < count) std::this_thread::yield();
            try {
                action(i);
            } catch (const std::exception& error) {
                ADD_FAILURE() << "exception in a thread: " << error.what();  // the trail of this thread says the rest
            } catch (const ForeignException&) {
                ADD_FAILURE() << "exception in a thread";
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

void Rendezvous::arrive() {
    std::unique_lock lock(mutex_);
    if (++arrived_ == count_) open_ = true;
    if (open_) {
        all_.notify_all();
        return;
    }
    all_.wait_for(lock, kPatience, [this] { return open_; });
    open_ = true;
    all_.notify_all();
}

}  // namespace litestream::conformance
