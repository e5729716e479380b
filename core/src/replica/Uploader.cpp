#include "replica/Uploader.h"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace litestream::replica {

namespace {

/// A stalled store must not hold a call for ever; a slow line, which others may share, must be able to finish one. So each deadline that
/// passed doubles the next.
CallContext contextFor(std::uint64_t bytes, unsigned deadlinesPassed, CancellationToken token) {
    constexpr std::uint64_t kSlowestBytesPerSecond = 64 * 1024;
    constexpr unsigned kMostDoublings = 8;
    const auto limit = std::chrono::seconds(10 + bytes / kSlowestBytesPerSecond) * (1u << std::min(deadlinesPassed, kMostDoublings));
    return CallContext::within(limit, std::move(token));
}

}  // namespace

Uploader::Uploader(std::shared_ptr<ReplicaStore> store, boost::asio::thread_pool& io, Events events,
                   const transport::RetryPolicy& policy)
    : store_(std::move(store)), io_(io), events_(std::move(events)), policy_(policy) {}

void Uploader::enqueue(Upload upload) {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    queue_.push_back(std::move(upload));
    startNext(lock);
}

void Uploader::clear() {
    const std::unique_lock lock(mutex_);
    clearLocked();
}

void Uploader::close() {
    const std::unique_lock lock(mutex_);
    closed_ = true;
    clearLocked();
}

void Uploader::clearLocked() {
    ++epoch_;
    queue_.clear();
    active_ = false;
    cancellation_.cancel();
    cancellation_ = CancellationSource();
    if (backoff_) backoff_->cancel();
    backoff_.reset();
}

void Uploader::hurry(std::chrono::milliseconds longestWait) {
    const std::unique_lock lock(mutex_);
    longestWait_ = longestWait;
    ++hurries_;
    if (backoff_) backoff_->cancel();
}

bool Uploader::busy() const {
    std::unique_lock lock(mutex_);
    return active_ || !queue_.empty();
}

void Uploader::startNext(std::unique_lock<std::mutex>&) {
    if (active_ || closed_ || queue_.empty()) return;
    active_ = true;
    Upload next = std::move(queue_.front());
    queue_.pop_front();
    boost::asio::post(io_, [self = shared_from_this(), next = std::move(next), epoch = epoch_,
                            token = cancellation_.token()]() mutable {
        self->send(std::move(next), 1, epoch, std::move(token));
    });
}

void Uploader::send(Upload upload, unsigned number, std::uint64_t epoch, CancellationToken token) {
    const CallContext context = contextFor(upload.content->expectedSize(), deadlinesPassed_, std::move(token));
    // A snapshot's content is a function of its name: writing it again is no conflict.
    const bool conditional = store_->capabilities().conditionalPut && upload.file.level == kLevel0;
    try {
        std::uint64_t bytes = upload.content->size();
        try {
            const auto body = upload.content->open();
            bytes = store_->put(upload.file, *body, {upload.timestamp, conditional, upload.attributes}, context);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Conflict) throw;
            // Without the condition a conflict is the store's own affair and says nothing about other writers.
            if (!conditional) throw Error(ErrorCode::Transient, error.what());
            if (!isOurs(upload, context)) throw;
        }
        deadlinesPassed_ = 0;
        finished(upload, bytes, epoch);
    } catch (const Error& error) {
        // Nobody asked to stop, so it was the deadline: a slow or stalled store.
        const bool timeout = error.code() == ErrorCode::Cancelled;
        if (timeout) ++deadlinesPassed_;
        failed(upload, timeout ? Error(ErrorCode::Transient, error.what()) : error, number, epoch);
    } catch (const std::exception& error) {
        failed(upload, Error(ErrorCode::Transient, error.what()), number, epoch);
    }
}

bool Uploader::isOurs(const Upload& upload, const CallContext& context) {
    // The object exists: an earlier attempt whose answer was lost, or somebody else's. A name never changes its content,
    // so size and checksum decide.
    if (upload.content->size() == 0) return false;
    const auto key = Layout(store_->capabilities().layout).key(upload.file);
    try {
        const auto found = store_->transport().head(key, context);
        const FileInfo there{upload.file, found.size, found.timestamp};
        std::uint64_t checksum = 0;
        // Twice before a replica is given up: a bit may have flipped on the way.
        for (int reading = 0; reading < 2; ++reading) {
            checksum = store_->readTrailer(there, context).fileChecksum;
            if (found.size == upload.content->size() && checksum == upload.content->fileChecksum()) return true;
        }
        if (events_.met) events_.met(there, checksum);
        return false;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Corrupt) return false;  // too short for one of ours
        if (error.code() != ErrorCode::NotFound) throw;
        // Gone between the two answers: the name is free again, which is nobody's fault and soon settled.
        throw Error(ErrorCode::Transient, error.what());
    }
}

void Uploader::finished(const Upload& upload, std::uint64_t bytes, std::uint64_t epoch) {
    {
        std::unique_lock lock(mutex_);
        if (epoch != epoch_) return;
    }
    events_.stored(upload, bytes);
    std::unique_lock lock(mutex_);
    if (epoch != epoch_) return;
    active_ = false;
    startNext(lock);
}

void Uploader::failed(const Upload& upload, const Error& error, unsigned number, std::uint64_t epoch) {
    std::chrono::milliseconds wait{0};
    unsigned hurries = 0;
    {
        std::unique_lock lock(mutex_);
        if (epoch != epoch_) return;
        hurries = hurries_;
        wait = policy_.betweenCalls(error, number, std::uniform_real_distribution<>(0, 1)(random_));
        if (longestWait_) wait = policy_.hurried(error, wait, *longestWait_);
        if (!upload.persistent) {
            queue_.clear();
            active_ = false;
        }
    }
    if (error.code() == ErrorCode::Conflict) {
        close();
        events_.stopped(error.what());
        return;
    }
    events_.failed(upload, error, number, wait);
    if (!upload.persistent) return;
    const std::unique_lock lock(mutex_);
    if (epoch != epoch_) return;
    // Somebody may have been in a hurry since, and found no wait to end.
    if (hurries != hurries_) wait = {};
    backoff_ = std::make_shared<boost::asio::steady_timer>(io_, wait);
    backoff_->async_wait([self = shared_from_this(), upload, number, epoch, token = cancellation_.token()](
                             const boost::system::error_code&) {
        // Expired or hurried: both mean now. What was cleared has another epoch.
        {
            const std::unique_lock waking(self->mutex_);
            if (epoch != self->epoch_) return;
        }
        self->send(upload, number + 1, epoch, token);
    });
}

}  // namespace litestream::replica
