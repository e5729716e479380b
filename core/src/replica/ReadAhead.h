#pragma once

#include "replica/ReplicaStore.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace litestream::replica {

/// Reads several files side by side, each from front to back: while one piece of a file is used, its next one is on its way. Memory is two pieces of
/// each file. A piece that is needed before a helper has begun with it is fetched by whoever needs it, so nothing waits for a free thread.
///
/// One thread at a time opens and reads. The helpers, started when there is something to do, end with the object; what they wait for is cancelled.
class ReadAhead {
public:
    /// At most `helpers` requests at a time besides the reader's own. `store` outlives the object, and the object its sources.
    ReadAhead(ReplicaStore& store, const CallContext& context, unsigned helpers);
    ~ReadAhead();
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;

    /// The whole file in requests of at most `pieceBytes`, for a Decoder; the first one is made at once. Errors come where their piece is read.
    ltx::ByteSource open(const FileInfo& file, std::size_t pieceBytes);

private:
    struct Stream {
        FileInfo file;
        std::size_t pieceBytes;
        // The reader's:
        std::vector<std::byte> piece;
        std::size_t begin = 0;
        std::size_t end = 0;
        // Whoever fetches it, then the reader's:
        std::vector<std::byte> next;
        std::uint64_t offset = 0;  ///< of `next` in the file
        std::size_t count = 0;     ///< bytes of `next`
        std::exception_ptr error;
        enum class State { Ended, Waiting, Underway, Ready } state = State::Ended;  // guarded by mutex_
    };

    std::size_t read(Stream& stream, MutableBytes into);
    bool turn(Stream& stream);
    void request(Stream& stream);
    void fetch(Stream& stream);
    void help();

    ReplicaStore& store_;
    CancellationSource cancellation_;
    const CallContext context_;  ///< ends with the caller's and with us
    const std::shared_ptr<void> link_;
    const unsigned mostHelpers_;
    std::vector<std::unique_ptr<Stream>> streams_;

    std::mutex mutex_;  // guards everything below, and the state of each stream
    std::condition_variable work_;
    std::condition_variable arrived_;
    std::deque<Stream*> waiting_;
    std::vector<std::thread> helpers_;
    unsigned idle_ = 0;
    bool ending_ = false;
};

}  // namespace litestream::replica
