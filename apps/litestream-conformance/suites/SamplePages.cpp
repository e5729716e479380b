#include "SamplePages.h"

#include "MemoryBody.h"

namespace litestream::conformance {

std::vector<std::size_t> pageSizes() {
    return {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
}

std::string textPage(std::size_t size) {
    std::string text;
    while (text.size() < size) text += "INSERT INTO track VALUES(" + std::to_string(text.size()) + ",'name');";
    text.resize(size);
    return text;
}

std::vector<std::string> samplePages(std::size_t size) {
    std::string ramp(size, '\0');
    for (std::size_t i = 0; i < size; ++i) ramp[i] = static_cast<char>(i);
    std::string tree = noise(size / 8, 11) + std::string(size - size / 4, '\0');
    tree += noise(size - tree.size(), 12);
    return {std::string(size, '\0'), std::string(size, '\xff'), noise(size, 1), ramp, textPage(size), tree};
}

}  // namespace litestream::conformance
