#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace litestream::engine {

/// Lets a few long jobs at a time onto a pool, so that short ones find a thread; the others wait in the order in which they came, without one.
/// Thread-safe. Jobs do not throw. Outlives the work of its pool.
class Admission {
public:
    Admission(boost::asio::thread_pool& pool, unsigned limit) : pool_(pool), limit_(limit) {}

    void post(std::function<void()> job) {
        const std::lock_guard lock(mutex_);
        if (running_ == limit_) {
            waiting_.push_back(std::move(job));
            return;
        }
        ++running_;
        launch(std::move(job));
    }

private:
    void launch(std::function<void()> job) {
        boost::asio::post(pool_, [this, job = std::move(job)] {
            job();
            finished();
        });
    }

    void finished() {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
            --running_;
            return;
        }
        launch(std::move(waiting_.front()));
        waiting_.pop_front();
    }

    boost::asio::thread_pool& pool_;
    const unsigned limit_;
    std::mutex mutex_;  // guards the two below
    unsigned running_ = 0;
    std::deque<std::function<void()>> waiting_;
};

}  // namespace litestream::engine
