/// LZ4, the packing of upstream's own files and the only one that upstream reads. Writes the form of Litestream 0.5.16 and later
/// (page flag 1: a size and one raw LZ4 block) and also reads the form of 0.5.0 to 0.5.15 (page flags 0: one LZ4 frame, which tells
/// its own end and carries a checksum of the page).

#include <litestream/Plugin.h>

#include <array>
#include <memory>
#include <string>

#include <lz4.h>
#include <lz4frame.h>

namespace {

using namespace litestream;

constexpr PageForm kBlock{1, true};
constexpr PageForm kFrame{0, false};
constexpr std::array kReadable{kBlock, kFrame};

const char* chars(ConstBytes bytes) {
    return reinterpret_cast<const char*>(bytes.data());
}
char* chars(MutableBytes bytes) {
    return reinterpret_cast<char*>(bytes.data());
}

[[noreturn]] void refuse(const std::string& reason) {
    throw Error(ErrorCode::Corrupt, "unpack lz4: " + reason);
}

/// The frame decoder of this thread, ready for a new frame whatever happened to the last one.
LZ4F_dctx& frameDecoder() {
    struct Free {
        void operator()(LZ4F_dctx* context) const noexcept { LZ4F_freeDecompressionContext(context); }
    };
    thread_local std::unique_ptr<LZ4F_dctx, Free> context;
    if (!context) {
        LZ4F_dctx* made = nullptr;
        if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) throw std::bad_alloc();
        context.reset(made);
    }
    LZ4F_resetDecompressionContext(context.get());
    return *context;
}

/// What one call of a frame decoder read and wrote; `hint` is 0 at the end of the frame.
struct Step {
    std::size_t read;
    std::size_t written;
    std::size_t hint;
};

Step decodeSome(LZ4F_dctx& context, ConstBytes packed, MutableBytes page) {
    std::byte nowhere{};
    Step step{packed.size(), page.size(), 0};
    step.hint = LZ4F_decompress(&context, page.empty() ? &nowhere : page.data(), &step.written, packed.data(),
                                &step.read, nullptr);
    if (LZ4F_isError(step.hint)) refuse(std::string("frame: ") + LZ4F_getErrorName(step.hint));
    return step;
}

/// Returns the frame's length. LZ4F checks descriptor, end mark and content checksum.
std::size_t unpackFrame(ConstBytes packed, MutableBytes page) {
    LZ4F_dctx& context = frameDecoder();
    LZ4F_frameInfo_t info{};
    std::size_t used = packed.size();
    if (const std::size_t result = LZ4F_getFrameInfo(&context, &info, packed.data(), &used); LZ4F_isError(result)) {
        refuse(std::string("frame: ") + LZ4F_getErrorName(result));
    }
    if (info.frameType != LZ4F_frame) refuse("frame without a page");
    // Upstream counts on it, and without it the file's own checksum is all there is.
    if (info.contentChecksumFlag != LZ4F_contentChecksumEnabled) refuse("frame without a content checksum");
    std::size_t filled = 0;
    while (true) {
        const Step step = decodeSome(context, packed.subspan(used), page.subspan(filled));
        used += step.read;
        filled += step.written;
        if (step.hint == 0) break;
        if (step.read == 0 && step.written == 0) {
            refuse(used == packed.size() ? "frame is cut short" : "frame holds more than a page");
        }
    }
    if (filled != page.size())
        refuse("frame of " + std::to_string(filled) + " bytes in place of " + std::to_string(page.size()));
    return used;
}

std::size_t unpackBlock(ConstBytes packed, MutableBytes page) {
    if (packed.empty() || packed.size() > static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(page.size())))) {
        refuse("block of " + std::to_string(packed.size()) + " bytes");
    }
    const int filled =
        LZ4_decompress_safe(chars(packed), chars(page), static_cast<int>(packed.size()), static_cast<int>(page.size()));
    if (filled < 0) refuse("block is malformed or longer than a page");
    if (static_cast<std::size_t>(filled) != page.size()) {
        refuse("block of " + std::to_string(filled) + " bytes in place of " + std::to_string(page.size()));
    }
    return packed.size();
}

class Lz4Codec final : public Codec {
public:
    explicit Lz4Codec(int acceleration) : acceleration_(acceleration) {}

    PageForm written() const noexcept override { return kBlock; }
    std::span<const PageForm> readable() const noexcept override { return kReadable; }

    /// A frame adds at most 19 bytes of descriptor, 8 around its data, and 8 behind it: more than a block's bound has to spare.
    std::size_t maxPacked(std::size_t pageSize) const noexcept override { return pageSize + pageSize / 255 + 64; }

    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        // LZ4's own state is on the stack and cleared for every page. Keeping it per thread was measured to win nothing: its table
        // for small inputs is the faster one, and is not used with kept state.
        const int size = LZ4_compress_fast(chars(page), chars(out), static_cast<int>(page.size()),
                                           static_cast<int>(out.size()), acceleration_);
        if (size <= 0) throw Error(ErrorCode::InvalidArgument, "pack lz4: output buffer is too small");
        return static_cast<std::size_t>(size);
    }

    std::size_t unpack(std::uint16_t flags, ConstBytes packed, MutableBytes page) const override {
        if (flags == kBlock.flags) return unpackBlock(packed, page);
        if (flags == kFrame.flags) return unpackFrame(packed, page);
        throw Error(ErrorCode::Unsupported, "unpack lz4: page flags " + std::to_string(flags));
    }

private:
    int acceleration_;
};

class Lz4Plugin final : public CodecPlugin {
public:
    std::unique_ptr<Codec> open(const OptionValues& options) override {
        const std::int64_t acceleration = options.has("acceleration") ? options.integer("acceleration") : 1;
        if (acceleration < 1 || acceleration > kMaxAcceleration) {
            throw Error(ErrorCode::InvalidArgument,
                        "lz4: acceleration " + std::to_string(acceleration) +
                            " is out of range. Give a number from 1 (smallest files) to 65537 (fastest)");
        }
        return std::make_unique<Lz4Codec>(static_cast<int>(acceleration));
    }

private:
    static constexpr std::int64_t kMaxAcceleration = 65537;  // LZ4 clamps there
};

constexpr OptionSpec kOptions[] = {
    {"acceleration", OptionType::Integer, "1", "speed against size, from 1 (smallest files) to 65537 (fastest)", false},
};

}  // namespace

LITESTREAM_DECLARE_CODEC("lz4", "1.0.0", "LZ4, readable by every Litestream 0.5", kOptions, 1, Lz4Plugin)
