#pragma once

#include <litestream/Source.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <vector>

namespace litestream::test {

/// Applies captures to a plain copy, as a replica would.
class Mirror final : public PageSink {
public:
    void page(PageNumber number, ConstBytes content) override;
    /// Makes what was handed over since the last call part of the copy.
    void apply(std::uint32_t commit, std::uint32_t pageSize);
    void discard() { pending_.clear(); }
    void take(Image& image);
    void load(std::vector<std::byte> content) { content_ = std::move(content); }

    const std::vector<std::byte>& content() const noexcept { return content_; }
    std::size_t pendingPages() const noexcept { return pending_.size(); }

private:
    std::map<PageNumber, std::vector<std::byte>> pending_;
    std::vector<std::byte> content_;
};

std::vector<std::byte> readFile(const std::filesystem::path& path);

}  // namespace litestream::test
