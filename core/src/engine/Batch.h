#pragma once

#include "engine/ChunkPool.h"
#include "util/FileIo.h"

#include <litestream/Source.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <unordered_map>
#include <vector>

namespace litestream::engine {

/// The pages captured since the last cut, each in its newest version. In memory as far as the pool allows, beyond that in an unnamed file
/// in `spillDirectory`: a transaction may be larger than any memory.
///
/// Not thread-safe; filled on a database's strand, then handed over whole to the encoder.
class Batch final : public PageSink {
public:
    Batch(std::uint32_t pageSize, ChunkPool& pool, std::filesystem::path spillDirectory);

    void page(PageNumber number, ConstBytes content) override;

    bool empty() const noexcept { return slots_.empty(); }
    std::uint32_t pageCount() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }
    std::uint64_t bytes() const noexcept { return slots_.size() * std::uint64_t{pageSize_}; }

    /// Every page up to `commit`, ascending. `content` is valid during the call.
    void visit(std::uint32_t commit, const std::function<void(PageNumber, ConstBytes content)>& visitor) const;

private:
    MutableBytes memory(std::uint32_t slot) const;
    void spill(std::uint32_t slot, ConstBytes content);

    const std::uint32_t pageSize_;
    const std::uint32_t pagesPerChunk_;
    ChunkPool& pool_;
    const std::filesystem::path spillDirectory_;
    std::unordered_map<PageNumber, std::uint32_t> slots_;
    std::vector<ChunkPool::Chunk> chunks_;
    std::uint32_t memorySlots_ = 0;  // slots from here on are in the file
    bool memoryEnded_ = false;
    FileDescriptor file_;
};

}  // namespace litestream::engine
