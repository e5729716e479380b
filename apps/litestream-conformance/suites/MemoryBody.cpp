#include "MemoryBody.h"

#include <algorithm>
#include <random>

namespace litestream::conformance {

MemoryBody::MemoryBody(std::string content, std::size_t runLength, bool sizeKnown)
    : content_(std::move(content)), runLength_(runLength), sizeKnown_(sizeKnown) {}

std::optional<std::uint64_t> MemoryBody::size() const {
    if (!sizeKnown_) return std::nullopt;
    return content_.size();
}

ConstBytes MemoryBody::next() {
    if (beforeRun_) beforeRun_(taken_);
    const std::size_t length = std::min(runLength_, content_.size() - taken_);
    const auto run = std::as_bytes(std::span(content_)).subspan(taken_, length);
    taken_ += length;
    return run;
}

std::string noise(std::size_t length, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(length, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() >> 24);
    return bytes;
}

}  // namespace litestream::conformance
