#pragma once

#include <litestream/Source.h>

#include <cstdint>
#include <filesystem>

namespace litestream::journal {

/// Pages of a database in a file without a name, which goes away with the object or with the process.
class PageCopy final : public PageSink {
public:
    /// Throws Error.
    PageCopy(const std::filesystem::path& directory, std::uint32_t pageSize);
    ~PageCopy() override;
    PageCopy(const PageCopy&) = delete;
    PageCopy& operator=(const PageCopy&) = delete;

    std::uint32_t pageSize() const noexcept { return pageSize_; }

    /// Throws Error(DiskFull) and others.
    void page(PageNumber number, ConstBytes content) override { write(number, content); }
    /// Consecutive pages from `first` on.
    void write(PageNumber first, ConstBytes content);

    /// Makes it `pages` long. Pages that were not written are zeros.
    void resize(std::uint32_t pages);
    void read(PageNumber first, MutableBytes into) const;

private:
    const std::filesystem::path directory_;
    const std::uint32_t pageSize_;
    const int descriptor_;
};

}  // namespace litestream::journal
