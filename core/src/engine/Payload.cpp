#include "engine/Payload.h"

#include "engine/LocalState.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace litestream::engine {

namespace {

constexpr std::size_t kSmallBytes = 32 * 1024;

class MemoryBody final : public Body {
public:
    explicit MemoryBody(std::shared_ptr<const ChunkBuffer> memory) : memory_(std::move(memory)) {}
    std::optional<std::uint64_t> size() const override { return memory_->size(); }
    ConstBytes next() override {
        const ConstBytes run = memory_->at(offset_);
        offset_ += run.size();
        return run;
    }
    void rewind() override { offset_ = 0; }

private:
    const std::shared_ptr<const ChunkBuffer> memory_;
    std::uint64_t offset_ = 0;
};

class FileBody final : public Body {
public:
    FileBody(const std::filesystem::path& path, std::uint64_t size)
        : path_(path), file_(openFile(path, O_RDONLY)), size_(size), buffer_(std::min<std::uint64_t>(size, kPiece)) {}
    std::optional<std::uint64_t> size() const override { return size_; }
    ConstBytes next() override {
        const std::size_t wanted = std::min<std::uint64_t>(buffer_.size(), size_ - offset_);
        if (wanted == 0) return {};
        const ssize_t got = ::pread(file_.get(), buffer_.data(), wanted, static_cast<off_t>(offset_));
        if (got < 0) throw systemError("read " + path_.string(), errno);
        if (got == 0) throw Error(ErrorCode::Corrupt, "spool file " + path_.string() + " ends early");
        offset_ += static_cast<std::uint64_t>(got);
        return std::span(buffer_).first(static_cast<std::size_t>(got));
    }
    void rewind() override { offset_ = 0; }

private:
    static constexpr std::uint64_t kPiece = 256 * 1024;
    const std::filesystem::path path_;
    const FileDescriptor file_;
    const std::uint64_t size_;
    std::uint64_t offset_ = 0;
    std::vector<std::byte> buffer_;
};

}  // namespace

void ChunkBuffer::write(ConstBytes bytes) {
    if (chunks_.empty() && size_ + bytes.size() <= kSmallBytes) {
        small_.insert(small_.end(), bytes.begin(), bytes.end());
        size_ += bytes.size();
        return;
    }
    while (!bytes.empty()) {
        const std::uint64_t behindSmall = size_ - small_.size();
        const std::size_t used = behindSmall % ChunkPool::kChunkBytes;
        if (behindSmall == chunks_.size() * ChunkPool::kChunkBytes) chunks_.push_back(pool_.take());
        const std::size_t part = std::min(bytes.size(), ChunkPool::kChunkBytes - used);
        std::memcpy(chunks_.back().get() + used, bytes.data(), part);
        size_ += part;
        bytes = bytes.subspan(part);
    }
}

ConstBytes ChunkBuffer::at(std::uint64_t offset) const noexcept {
    if (offset >= size_) return {};
    if (offset < small_.size()) return std::span(small_).subspan(offset);
    const std::uint64_t behindSmall = offset - small_.size();
    const std::size_t inChunk = behindSmall % ChunkPool::kChunkBytes;
    const std::size_t run = std::min<std::uint64_t>(ChunkPool::kChunkBytes - inChunk, size_ - offset);
    return {chunks_[behindSmall / ChunkPool::kChunkBytes].get() + inChunk, run};
}

SpoolWriter::SpoolWriter(std::filesystem::path target)
    : target_(std::move(target)), temporary_(target_.string() + ".tmp") {
    makeDirectory(target_.parent_path());
    file_ = openFile(temporary_, O_WRONLY | O_CREAT | O_TRUNC);
}

SpoolWriter::~SpoolWriter() {
    if (!committed_) ::unlink(temporary_.c_str());
}

void SpoolWriter::write(ConstBytes bytes) {
    constexpr std::size_t kGathered = 256 * 1024;
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    if (buffer_.size() >= kGathered) flush();
}

void SpoolWriter::flush() {
    writeAll(file_, buffer_, temporary_);
    buffer_.clear();
}

void SpoolWriter::commit() {
    flush();
    file_.reset();
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw systemError("rename " + temporary_.string(), errno);
    committed_ = true;
}

Payload::Payload(const Identity& identity, std::unique_ptr<ChunkBuffer> memory, std::filesystem::path spoolFile)
    : identity_(identity), spoolFile_(std::move(spoolFile)), memory_(std::move(memory)) {}

Payload::Payload(const Identity& identity, std::filesystem::path spoolFile)
    : identity_(identity), spoolFile_(std::move(spoolFile)), spooled_(true) {}

std::unique_ptr<Body> Payload::open() const {
    const std::unique_lock lock(mutex_);
    if (memory_) return std::make_unique<MemoryBody>(memory_);
    return std::make_unique<FileBody>(spoolFile_, identity_.size);
}

void Payload::persist() {
    std::shared_ptr<const ChunkBuffer> memory;
    {
        const std::unique_lock lock(mutex_);
        if (!memory_) return;
        memory = memory_;
    }
    SpoolWriter writer(spoolFile_);
    for (std::uint64_t at = 0; at < memory->size();) {
        const ConstBytes run = memory->at(at);
        writer.write(run);
        at += run.size();
    }
    writer.commit();
    const std::unique_lock lock(mutex_);
    spooled_ = true;
    memory_.reset();
}

bool Payload::inMemory() const {
    const std::unique_lock lock(mutex_);
    return memory_ != nullptr;
}

bool Payload::spooled() const {
    const std::unique_lock lock(mutex_);
    return spooled_;
}

bool Payload::gone() const {
    const std::unique_lock lock(mutex_);
    if (memory_) return false;
    std::error_code error;
    const auto size = std::filesystem::file_size(spoolFile_, error);
    return error ? error == std::errc::no_such_file_or_directory : size != identity_.size;
}

void Payload::discard() {
    const std::unique_lock lock(mutex_);
    memory_.reset();
    if (spooled_) ::unlink(spoolFile_.c_str());
    spooled_ = false;
}

}  // namespace litestream::engine
