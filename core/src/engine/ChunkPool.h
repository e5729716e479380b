#pragma once

#include <litestream/Types.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace litestream::engine {

/// The process's memory for captured and encoded data: chunks of one size, reused, never more than a limit in use.
///
/// Reuse matters twice: fresh memory costs a page fault per 4 KiB, and freed memory that the allocator keeps would count as ours.
/// Thread-safe. Outlives its chunks.
class ChunkPool {
public:
    static constexpr std::size_t kChunkBytes = 256 * 1024;

    explicit ChunkPool(std::size_t limitBytes) : limit_(limitBytes / kChunkBytes) {}
    ~ChunkPool();

    /// Gives memory back to its pool.
    struct Return {
        ChunkPool* pool;
        void operator()(std::byte* chunk) const noexcept { pool->put(chunk); }
    };
    using Chunk = std::unique_ptr<std::byte, Return>;

    /// Null when the limit is reached: the caller goes to disk.
    Chunk tryTake();
    /// Beyond the limit if need be, for what cannot go elsewhere; throws std::bad_alloc when there is no memory at all.
    Chunk take();

private:
    Chunk takeLocked(std::unique_lock<std::mutex>& lock);
    void put(std::byte* chunk) noexcept;

    static constexpr std::size_t kKeptFree = 48;  // 12 MiB

    std::mutex mutex_;  // guards the two below
    std::vector<std::byte*> free_;
    std::size_t inUse_ = 0;
    const std::size_t limit_;
};

}  // namespace litestream::engine
