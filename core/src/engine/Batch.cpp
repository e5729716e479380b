#include "engine/Batch.h"

#include "engine/LocalState.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace litestream::engine {

Batch::Batch(std::uint32_t pageSize, ChunkPool& pool, std::filesystem::path spillDirectory)
    : pageSize_(pageSize),
      pagesPerChunk_(static_cast<std::uint32_t>(ChunkPool::kChunkBytes / pageSize)),
      pool_(pool),
      spillDirectory_(std::move(spillDirectory)) {}

MutableBytes Batch::memory(std::uint32_t slot) const {
    auto* chunk = chunks_[slot / pagesPerChunk_].get();
    return {chunk + std::size_t{slot % pagesPerChunk_} * pageSize_, pageSize_};
}

void Batch::page(PageNumber number, ConstBytes content) {
    const auto next = static_cast<std::uint32_t>(slots_.size());
    const auto [entry, added] = slots_.try_emplace(number, next);
    const std::uint32_t slot = entry->second;
    if (added && !memoryEnded_ && slot == chunks_.size() * pagesPerChunk_) {
        if (auto chunk = pool_.tryTake()) {
            chunks_.push_back(std::move(chunk));
        } else {
            memoryEnded_ = true;
        }
    }
    if (added && !memoryEnded_) memorySlots_ = slot + 1;
    if (slot < memorySlots_) {
        std::memcpy(memory(slot).data(), content.data(), pageSize_);
    } else {
        spill(slot, content);
    }
}

void Batch::spill(std::uint32_t slot, ConstBytes content) {
    if (!file_) {
        makeDirectory(spillDirectory_);
        file_ = openFile(spillDirectory_, O_RDWR | O_TMPFILE);
    }
    const auto offset = static_cast<off_t>(std::uint64_t{slot - memorySlots_} * pageSize_);
    const ssize_t put = ::pwrite(file_.get(), content.data(), pageSize_, offset);
    if (put != static_cast<ssize_t>(pageSize_)) {
        throw systemError("spill a large transaction to " + spillDirectory_.string(), put < 0 ? errno : ENOSPC);
    }
}

void Batch::visit(std::uint32_t commit, const std::function<void(PageNumber, ConstBytes)>& visitor) const {
    std::vector<std::pair<PageNumber, std::uint32_t>> order;
    order.reserve(slots_.size());
    for (const auto& [number, slot] : slots_) {
        if (number <= commit) order.emplace_back(number, slot);
    }
    std::sort(order.begin(), order.end());
    std::vector<std::byte> buffer(file_ ? pageSize_ : 0);
    for (const auto& [number, slot] : order) {
        if (slot < memorySlots_) {
            visitor(number, memory(slot));
            continue;
        }
        const auto offset = static_cast<off_t>(std::uint64_t{slot - memorySlots_} * pageSize_);
        if (::pread(file_.get(), buffer.data(), pageSize_, offset) != static_cast<ssize_t>(pageSize_)) {
            throw systemError("read back a large transaction from " + spillDirectory_.string(), errno);
        }
        visitor(number, buffer);
    }
}

}  // namespace litestream::engine
