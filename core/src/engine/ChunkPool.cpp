#include "engine/ChunkPool.h"

#include <sys/mman.h>

#include <new>

namespace litestream::engine {

ChunkPool::~ChunkPool() {
    for (auto* chunk : free_) ::munmap(chunk, kChunkBytes);
}

ChunkPool::Chunk ChunkPool::tryTake() {
    std::unique_lock lock(mutex_);
    if (inUse_ >= limit_) return Chunk(nullptr, Return{this});
    return takeLocked(lock);
}

ChunkPool::Chunk ChunkPool::take() {
    std::unique_lock lock(mutex_);
    return takeLocked(lock);
}

ChunkPool::Chunk ChunkPool::takeLocked(std::unique_lock<std::mutex>& lock) {
    ++inUse_;
    if (!free_.empty()) {
        auto* chunk = free_.back();
        free_.pop_back();
        return Chunk(chunk, Return{this});
    }
    lock.unlock();
    void* memory = ::mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) return Chunk(static_cast<std::byte*>(memory), Return{this});
    lock.lock();
    --inUse_;
    throw std::bad_alloc();
}

void ChunkPool::put(std::byte* chunk) noexcept {
    {
        const std::unique_lock lock(mutex_);
        --inUse_;
        if (free_.size() < kKeptFree) {
            free_.push_back(chunk);
            return;
        }
    }
    ::munmap(chunk, kChunkBytes);
}

}  // namespace litestream::engine
