#include "CodecSuite.h"

#include "MemoryBody.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace litestream::conformance {

namespace {

constexpr std::size_t kBorder = 64;
constexpr char kUntouched = '\x5a';

std::vector<std::size_t> pageSizes() { return {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}; }

/// What pages look like: empty, incompressible, regular, text, and a b-tree page with its hole in the middle.
std::vector<std::string> samplePages(std::size_t size) {
    std::string ramp(size, '\0');
    for (std::size_t i = 0; i < size; ++i) ramp[i] = static_cast<char>(i);
    std::string text;
    while (text.size() < size) text += "INSERT INTO track VALUES(" + std::to_string(text.size()) + ",'name');";
    text.resize(size);
    std::string tree = noise(size / 8, 11) + std::string(size - size / 4, '\0');
    tree += noise(size - tree.size(), 12);
    return {std::string(size, '\0'), std::string(size, '\xff'), noise(size, 1), ramp, text, tree};
}

/// Bytes in an allocation of exactly their size, so that the address sanitizer sees each step beyond.
struct ExactBytes {
    explicit ExactBytes(const std::string& bytes) : data(new std::byte[bytes.size()]), size(bytes.size()) {
        if (size > 0) std::memcpy(data.get(), bytes.data(), size);
    }
    ConstBytes span() const { return {data.get(), size}; }
    std::unique_ptr<std::byte[]> data;
    std::size_t size;
};

void expectUntouchedBorder(const std::string& buffer, std::size_t size) {
    EXPECT_EQ(buffer.substr(size), std::string(kBorder, kUntouched)) << "written behind the buffer";
}

}  // namespace

std::string CodecSuite::pack(const std::string& page) const {
    const std::size_t most = codec_->maxPacked(page.size());
    std::string buffer(most + kBorder, kUntouched);
    const std::size_t packed =
        codec_->pack(ExactBytes(page).span(), std::as_writable_bytes(std::span(buffer)).first(most));
    EXPECT_LE(packed, most);
    expectUntouchedBorder(buffer, most);
    buffer.resize(std::min(packed, most));
    return buffer;
}

std::string CodecSuite::unpack(std::uint16_t flags, const std::string& packed, std::size_t pageSize, std::size_t& used) const {
    std::string page(pageSize + kBorder, kUntouched);
    const ExactBytes input(packed);
    try {
        used = codec_->unpack(flags, input.span(), std::as_writable_bytes(std::span(page)).first(pageSize));
    } catch (const Error&) {
        expectUntouchedBorder(page, pageSize);
        throw;
    }
    expectUntouchedBorder(page, pageSize);
    EXPECT_LE(used, packed.size());
    page.resize(pageSize);
    return page;
}

std::string CodecSuite::unpack(const std::string& packed, std::size_t pageSize) const {
    std::size_t used = 0;
    const std::string page = unpack(codec_->written().flags, packed, pageSize, used);
    EXPECT_EQ(used, packed.size());
    return page;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CodecSuite);

TEST_P(CodecSuite, GivesBackEveryPage) {
    for (const std::size_t size : pageSizes()) {
        for (const std::string& page : samplePages(size)) EXPECT_TRUE(unpack(pack(page), size) == page) << size;
    }
}

TEST_P(CodecSuite, PacksTheSamePageToTheSameBytes) {
    for (const std::string& page : samplePages(4096)) {
        const std::string first = pack(page);
        pack(noise(4096, 99));
        EXPECT_TRUE(pack(page) == first);
    }
}

TEST_P(CodecSuite, ReadsWhatItWritesAndEachFormOnce) {
    std::set<std::uint16_t> flags;
    for (const PageForm& form : codec_->readable()) EXPECT_TRUE(flags.insert(form.flags).second) << form.flags;
    const auto forms = codec_->readable();
    EXPECT_TRUE(std::any_of(forms.begin(), forms.end(), [&](const PageForm& form) {
        return form.flags == codec_->written().flags && form.sizePrefixed == codec_->written().sizePrefixed;
    }));
}

TEST_P(CodecSuite, RefusesAPageThatIsCutOff) {
    for (const std::string& page : samplePages(4096)) {
        const std::string packed = pack(page);
        for (const std::size_t length : {std::size_t{0}, std::size_t{1}, packed.size() / 2, packed.size() - 1}) {
            if (length >= packed.size()) continue;
            EXPECT_THROW(unpack(packed.substr(0, length), 4096), Error) << length << " of " << packed.size();
        }
    }
}

TEST_P(CodecSuite, UsesAllBytesOrOnlyItsOwn) {
    const std::string packed = pack(samplePages(4096)[4]);
    const std::string longer = packed + "behind";
    std::size_t used = 0;
    if (codec_->written().sizePrefixed) {
        EXPECT_THROW(unpack(codec_->written().flags, longer, 4096, used), Error);
    } else {
        unpack(codec_->written().flags, longer, 4096, used);
        EXPECT_EQ(used, packed.size());
    }
}

TEST_P(CodecSuite, RefusesAPageOfAnotherSize) {
    const std::string packed = pack(samplePages(4096)[4]);
    std::size_t used = 0;
    EXPECT_THROW(unpack(codec_->written().flags, packed, 2048, used), Error);
    EXPECT_THROW(unpack(codec_->written().flags, packed, 8192, used), Error);
}

TEST_P(CodecSuite, StaysInsideItsBuffersWhateverTheBytesAre) {
    std::mt19937 random(20);
    const auto attempt = [&](std::uint16_t flags, const std::string& bytes) {
        std::size_t used = 0;
        try {
            unpack(flags, bytes, 4096, used);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Corrupt) << error.what();
        }
    };
    for (const PageForm& form : codec_->readable()) {
        for (const std::string& page : samplePages(4096)) {
            const std::string packed = pack(page);
            for (int i = 0; i < 200; ++i) {
                std::string damaged = packed;
                damaged[random() % damaged.size()] = static_cast<char>(random());
                attempt(form.flags, damaged);
                attempt(form.flags, damaged.substr(0, random() % damaged.size()));
            }
        }
        for (unsigned i = 0; i < 500; ++i) attempt(form.flags, noise(random() % 300, i));
    }
}

TEST_P(CodecSuite, ServesManyThreads) {
    const auto pages = samplePages(4096);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) {
                for (const std::string& page : pages) EXPECT_TRUE(unpack(pack(page), page.size()) == page);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace litestream::conformance
