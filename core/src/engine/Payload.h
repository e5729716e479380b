#pragma once

#include "engine/ChunkPool.h"
#include "engine/PageSums.h"
#include "ltx/Encoder.h"
#include "replica/Content.h"
#include "util/FileIo.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace litestream::engine {

/// Encoded bytes in pool memory.
class ChunkBuffer final : public ltx::ByteSink {
public:
    explicit ChunkBuffer(ChunkPool& pool) : pool_(pool) {}

    void write(ConstBytes bytes) override;
    std::uint64_t size() const noexcept { return size_; }
    /// The bytes from `offset` on, as far as they lie together; empty at the end.
    ConstBytes at(std::uint64_t offset) const noexcept;

private:
    ChunkPool& pool_;
    std::vector<ChunkPool::Chunk> chunks_;
    std::vector<std::byte> small_;  // the first bytes: most files are far smaller than a chunk
    std::uint64_t size_ = 0;
};

/// Encoded bytes on their way into a file, which gets its name only when it is whole.
class SpoolWriter final : public ltx::ByteSink {
public:
    explicit SpoolWriter(std::filesystem::path target);
    ~SpoolWriter() override;
    void write(ConstBytes bytes) override;
    /// Rename to the final name. Without it the file is removed.
    void commit();

private:
    void flush();
    const std::filesystem::path target_;
    const std::filesystem::path temporary_;
    FileDescriptor file_;
    std::vector<std::byte> buffer_;
    bool committed_ = false;
};

/// One level-0 file between its cut and the last replica's acknowledgement: in memory, in the spool, or both. Thread-safe.
class Payload final : public replica::Content {
public:
    struct Identity {
        Txid txid;
        Timestamp timestamp;
        std::uint32_t commit = 0;
        std::uint64_t size = 0;
        std::uint64_t fileChecksum = 0;
    };

    Payload(const Identity& identity, std::unique_ptr<ChunkBuffer> memory, std::filesystem::path spoolFile);
    /// One whose bytes are in its spool file already.
    Payload(const Identity& identity, std::filesystem::path spoolFile);

    std::unique_ptr<Body> open() const override;
    std::uint64_t size() const noexcept override { return identity_.size; }
    std::uint64_t fileChecksum() const noexcept override { return identity_.fileChecksum; }
    const Identity& identity() const noexcept { return identity_; }

    /// Writes the spool file if it is not there yet and lets go of the memory. Throws Error; the memory then stays.
    void persist();
    bool inMemory() const;
    bool spooled() const;
    /// True when somebody took the spool file away, or a part of it: what it held cannot be sent any more.
    bool gone() const;
    /// Removes the spool file: every replica has it, or none will need it.
    void discard();

    /// What the cut changes in the page sums; written by SumsKeeper alone, on the strand.
    struct Sums {
        std::vector<PageSum> entries;
        bool known = true;     ///< false: the file holds pages whose sums were not taken
        bool settled = false;  ///< applied or given up
        std::optional<std::uint64_t> image;   ///< the digest after the cut, where a whole image was read for it
        std::optional<std::uint64_t> digest;  ///< the digest after the cut, once it was applied
    };
    Sums sums;

private:
    const Identity identity_;
    const std::filesystem::path spoolFile_;
    mutable std::mutex mutex_;  // guards the two below
    std::shared_ptr<const ChunkBuffer> memory_;
    bool spooled_ = false;
};

}  // namespace litestream::engine
