#include "replica/ReadAhead.h"

#include <algorithm>
#include <cstring>
#include <system_error>

namespace litestream::replica {

ReadAhead::ReadAhead(ReplicaStore& store, const CallContext& context, unsigned helpers)
    : store_(store),
      context_{context.deadline, cancellation_.token()},
      link_(context.cancellation.onCancel([this] { cancellation_.cancel(); })),
      mostHelpers_(helpers) {}

ReadAhead::~ReadAhead() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        work_.notify_all();
    }
    cancellation_.cancel();
    for (auto& helper : helpers_) helper.join();
}

ltx::ByteSource ReadAhead::open(const FileInfo& file, std::size_t pieceBytes) {
    Stream* stream = streams_.emplace_back(std::make_unique<Stream>()).get();
    stream->file = file;
    stream->pieceBytes = pieceBytes;
    const std::lock_guard lock(mutex_);
    request(*stream);
    return [this, stream](MutableBytes into) { return read(*stream, into); };
}

std::size_t ReadAhead::read(Stream& stream, MutableBytes into) {
    if (stream.begin == stream.end && !turn(stream)) return 0;
    const std::size_t count = std::min(into.size(), stream.end - stream.begin);
    std::memcpy(into.data(), stream.piece.data() + stream.begin, count);
    stream.begin += count;
    return count;
}

/// Goes on to the next piece; false at the end of the file.
bool ReadAhead::turn(Stream& stream) {
    std::unique_lock lock(mutex_);
    if (stream.state == Stream::State::Ended) return false;
    if (stream.state == Stream::State::Waiting) {
        std::erase(waiting_, &stream);
        stream.state = Stream::State::Underway;
        lock.unlock();
        fetch(stream);
        lock.lock();
    }
    arrived_.wait(lock, [&] { return stream.state == Stream::State::Ready; });
    if (stream.error) std::rethrow_exception(stream.error);
    std::swap(stream.piece, stream.next);
    stream.begin = 0;
    stream.end = stream.count;
    stream.offset += stream.count;
    request(stream);
    return true;
}

void ReadAhead::request(Stream& stream) {
    stream.count = static_cast<std::size_t>(std::min<std::uint64_t>(stream.pieceBytes, stream.file.size - stream.offset));
    stream.state = stream.count == 0 ? Stream::State::Ended : Stream::State::Waiting;
    if (stream.count == 0) return;
    waiting_.push_back(&stream);
    if (idle_ < waiting_.size() && helpers_.size() < mostHelpers_) {
        try {
            helpers_.emplace_back([this] { help(); });
        } catch (const std::system_error&) {
            // No thread to be had: the reader fetches what it needs.
        }
    }
    work_.notify_one();
}

void ReadAhead::fetch(Stream& stream) {
    try {
        stream.next.resize(std::max(stream.next.size(), stream.count));
        store_.read(stream.file.id, stream.offset, MutableBytes(stream.next).first(stream.count), context_);
    } catch (...) {
        stream.error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    stream.state = Stream::State::Ready;
    arrived_.notify_all();
}

void ReadAhead::help() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        work_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        --idle_;
        if (ending_) return;
        Stream& stream = *waiting_.front();
        waiting_.pop_front();
        stream.state = Stream::State::Underway;
        lock.unlock();
        fetch(stream);
        lock.lock();
    }
}

}  // namespace litestream::replica
