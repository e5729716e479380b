#include "Mirror.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace litestream::test {

void Mirror::page(PageNumber number, ConstBytes content) {
    pending_[number].assign(content.begin(), content.end());
}

void Mirror::apply(std::uint32_t commit, std::uint32_t pageSize) {
    content_.resize(std::size_t{commit} * pageSize);
    for (const auto& [number, content] : pending_) {
        if (number <= commit)
            std::memcpy(content_.data() + std::size_t{number - 1} * pageSize, content.data(), pageSize);
    }
    pending_.clear();
}

void Mirror::take(Image& image) {
    pending_.clear();
    content_.resize(std::size_t{image.pageCount()} * image.pageSize());
    image.read(1, content_);
}

std::vector<std::byte> readFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<std::byte> bytes(text.size());
    if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
}

}  // namespace litestream::test
