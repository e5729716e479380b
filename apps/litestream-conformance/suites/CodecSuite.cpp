#include "CodecSuite.h"

#include "EdgeBytes.h"
#include "MemoryBody.h"
#include "SamplePages.h"
#include "Together.h"
#include "Trail.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <vector>

namespace litestream::conformance {

namespace {

constexpr std::size_t kBorder = 64;
constexpr char kUntouched = '\x5a';

std::string bytesIn(std::size_t count) {
    return std::to_string(count) + " bytes";
}

void expectUntouchedBorder(const char* operation, const std::string& buffer, std::size_t size) {
    expectTrue(std::string(operation) + " into a buffer of " + bytesIn(size),
               buffer.substr(size) == std::string(kBorder, kUntouched), "bytes were written behind the buffer",
               "nothing written behind it");
}

}  // namespace

void CodecSuite::SetUp() {
    codec_ = witnessed("open", [] { return GetParam().open(); });
}

std::string CodecSuite::pack(const std::string& page) const {
    const std::size_t most = codec_->maxPacked(page.size());
    std::string buffer(most + kBorder, kUntouched);
    const EdgeBytes input(page);
    const std::size_t packed = witnessed("pack a page of " + bytesIn(page.size()), [&] {
        return codec_->pack(input.span(), std::as_writable_bytes(std::span(buffer)).first(most));
    });
    expectTrue("pack a page of " + bytesIn(page.size()), packed <= most, bytesIn(packed),
               "at most maxPacked() = " + bytesIn(most));
    expectUntouchedBorder("pack", buffer, most);
    buffer.resize(std::min(packed, most));
    return buffer;
}

std::string CodecSuite::unpack(std::uint16_t flags, const std::string& packed, std::size_t pageSize,
                               std::size_t& used) const {
    std::string page(pageSize + kBorder, kUntouched);
    const EdgeBytes input(packed);
    try {
        used = witnessed("unpack " + bytesIn(packed.size()) + " into a page of " + bytesIn(pageSize), [&] {
            return codec_->unpack(flags, input.span(), std::as_writable_bytes(std::span(page)).first(pageSize));
        });
    } catch (const Error&) {
        expectUntouchedBorder("unpack", page, pageSize);
        throw;
    }
    expectUntouchedBorder("unpack", page, pageSize);
    expectTrue("unpack " + bytesIn(packed.size()), used <= packed.size(),
               "says that " + bytesIn(used) + " belonged to the page", "no more than it was given");
    page.resize(pageSize);
    return page;
}

std::string CodecSuite::unpack(const std::string& packed, std::size_t pageSize) const {
    std::size_t used = 0;
    std::string page = unpack(codec_->written().flags, packed, pageSize, used);
    expectSame("unpack what pack wrote: bytes that belonged to the page", used, packed.size());
    return page;
}

bool CodecSuite::expectRoundTrip(const std::string& page) const {
    return expectBytes("pack and unpack a page of " + bytesIn(page.size()), unpack(pack(page), page.size()), page);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CodecSuite);

LITESTREAM_CLAUSE(CodecSuite, GivesBackEveryPage, "Codec.h",
                  "`page` has exactly the page size and is filled completely.") {
    for (const std::size_t size : pageSizes()) {
        for (const std::string& page : samplePages(size)) expectRoundTrip(page);
    }
}

LITESTREAM_CLAUSE(CodecSuite, PacksTheSamePageToTheSameBytes, "Codec.h",
                  "an instance is stateless towards its callers") {
    for (const std::string& page : samplePages(4096)) {
        const std::string first = pack(page);
        pack(noise(4096, 99));
        expectBytes("pack a page again after another one", pack(page), first);
        const auto second = GetParam().open();
        std::string buffer(second->maxPacked(page.size()), '\0');
        const auto out = std::as_writable_bytes(std::span(buffer));
        buffer.resize(std::min(second->pack(std::as_bytes(std::span(page)), out), buffer.size()));
        expectBytes("pack a page with another instance", buffer, first);
    }
}

LITESTREAM_CLAUSE(CodecSuite, ReadsWhatItWritesAndEachFormOnce, "Codec.h",
                  "The forms that unpack() reads: at least written().") {
    std::set<std::uint16_t> flags;
    const auto forms = codec_->readable();
    for (const PageForm& form : forms) {
        expectTrue("readable()", flags.insert(form.flags).second, "the flags " + std::to_string(form.flags) + " twice",
                   "each form once");
    }
    const bool holdsWritten = std::any_of(forms.begin(), forms.end(), [&](const PageForm& form) {
        return form.flags == codec_->written().flags && form.sizePrefixed == codec_->written().sizePrefixed;
    });
    expectTrue("readable()", holdsWritten, "no form like written()", "written() among them");
}

LITESTREAM_CLAUSE(CodecSuite, RefusesAPageThatIsCutOff, "Codec.h",
                  "Throws Error(Corrupt) when the bytes do not decode to exactly one page") {
    for (const std::string& page : samplePages(4096)) {
        const std::string packed = pack(page);
        for (const std::size_t length : {std::size_t{0}, std::size_t{1}, packed.size() / 2, packed.size() - 1}) {
            if (length >= packed.size()) continue;
            expectError("unpack the first " + bytesIn(length) + " of a packed page of " + bytesIn(packed.size()),
                        ErrorCode::Corrupt, [&] { unpack(packed.substr(0, length), 4096); });
        }
    }
}

LITESTREAM_CLAUSE(
    CodecSuite, UsesAllBytesOrOnlyItsOwn, "Codec.h",
    "For a size-prefixed form `packed` is exactly the packed bytes and all of them must be used; for the other form it "
    "starts with the packed bytes and may go on behind them.") {
    const std::string packed = pack(textPage(4096));
    const std::string longer = packed + "behind";
    const std::string done = "unpack a page with 6 bytes behind it";
    std::size_t used = 0;
    if (codec_->written().sizePrefixed) {
        expectError(done + " in a size-prefixed form", ErrorCode::Corrupt,
                    [&] { unpack(codec_->written().flags, longer, 4096, used); });
    } else {
        unpack(codec_->written().flags, longer, 4096, used);
        expectSame(done + ": bytes that belonged to the page", used, packed.size());
    }
}

LITESTREAM_CLAUSE(CodecSuite, RefusesAPageOfAnotherSize, "Codec.h",
                  "Throws Error(Corrupt) when the bytes do not decode to exactly one page") {
    const std::string packed = pack(textPage(4096));
    std::size_t used = 0;
    for (const std::size_t size : {std::size_t{2048}, std::size_t{8192}}) {
        expectError("unpack a page of 4096 bytes into one of " + bytesIn(size), ErrorCode::Corrupt,
                    [&] { unpack(codec_->written().flags, packed, size, used); });
    }
}

LITESTREAM_CLAUSE(CodecSuite, StaysInsideItsBuffersWhateverTheBytesAre, "Codec.h",
                  "it never reads or writes outside the spans, whatever the bytes are.") {
    std::mt19937 random(20);
    const auto attempt = [&](std::uint16_t flags, const std::string& bytes) {
        std::size_t used = 0;
        try {
            unpack(flags, bytes, 4096, used);
        } catch (const Error& error) {
            expectSame("unpack damaged bytes: class of the Error (" + std::string(error.what()) + ")", error.code(),
                       ErrorCode::Corrupt);
        }
    };
    for (const PageForm& form : codec_->readable()) {
        for (const std::string& page : samplePages(4096)) {
            const std::string packed = pack(page);
            if (packed.empty()) continue;
            for (int i = 0; i < 200; ++i) {
                std::string damaged = packed;
                // The beginning is where lengths are.
                damaged[random() % (i % 2 == 0 ? std::min<std::size_t>(damaged.size(), 16) : damaged.size())] =
                    static_cast<char>(random());
                attempt(form.flags, damaged);
                attempt(form.flags, damaged.substr(0, random() % damaged.size()));
            }
        }
        for (unsigned i = 0; i < 500; ++i) attempt(form.flags, noise(random() % 300, i));
    }
}

LITESTREAM_CLAUSE(CodecSuite, CodecThrowsNothingButErrors, "Error.h",
                  "The only exception that crosses an interface of this SDK.") {
    std::size_t used = 0;
    for (const std::string& bytes : {std::string(), std::string("x"), noise(5000, 5)}) {
        expectAnyError("unpack " + bytesIn(bytes.size()) + " that are no page", "Error(corrupt)",
                       [&] { unpack(codec_->written().flags, bytes, 4096, used); });
    }
}

/// Every thread has pages of its own, so that bytes of another one are noticed; long ones, so that calls overlap on a single core as well.
LITESTREAM_CLAUSE(CodecSuite, ServesManyThreads, "Codec.h", "all methods may be called concurrently.") {
    constexpr unsigned kThreads = 8;
    constexpr int kLeast = 5;
    constexpr auto kTime = std::chrono::milliseconds(500);  // thousands of calls that overlap, unless the codec is slow
    const auto begun = std::chrono::steady_clock::now();
    std::atomic<bool> stop{false};
    together(kThreads, [&](unsigned t) {
        const std::string page = textPage(32768) + noise(32768, t);
        std::string buffer(codec_->maxPacked(page.size()), '\0');
        std::string seen(page.size(), '\0');
        beginOperation("pack and unpack on 8 threads");
        for (int i = 0; !stop && (i < kLeast || std::chrono::steady_clock::now() - begun < kTime); ++i) {
            try {
                const std::size_t packed =
                    codec_->pack(std::as_bytes(std::span(page)), std::as_writable_bytes(std::span(buffer)));
                codec_->unpack(codec_->written().flags,
                               std::as_bytes(std::span(buffer)).first(std::min(packed, buffer.size())),
                               std::as_writable_bytes(std::span(seen)));
            } catch (const Error& error) {
                stop = true;
                violated("pack and unpack a page of 65536 bytes on 8 threads", inWords(error), "the page");
            }
            if (!stop && !expectBytes("pack and unpack a page of 65536 bytes on 8 threads", seen, page)) stop = true;
        }
    });
}

}  // namespace litestream::conformance
