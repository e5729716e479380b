/// Zstandard: smaller files than LZ4 for more computing. A page is one frame that tells its size and carries a checksum of its content, so
/// that damage shows also where a page is read alone. Upstream does not know the page flag and refuses such files: a replica with
/// them can be restored by this program only.

#include <litestream/Plugin.h>

#include <array>
#include <memory>
#include <string>

#include <zstd.h>

namespace {

using namespace litestream;

constexpr PageForm kFrame{0x2000, true};
constexpr std::array kReadable{kFrame};

[[noreturn]] void refuse(const std::string& reason) {
    throw Error(ErrorCode::Corrupt, "unpack zstd: " + reason);
}

template <class Context, auto Create, auto Destroy>
Context& contextOfThisThread() {
    struct Free {
        void operator()(Context* context) const noexcept { Destroy(context); }
    };
    thread_local const std::unique_ptr<Context, Free> context(Create());
    if (!context) throw std::bad_alloc();
    return *context;
}

void set(ZSTD_CCtx& context, ZSTD_cParameter parameter, int value) {
    if (const std::size_t result = ZSTD_CCtx_setParameter(&context, parameter, value); ZSTD_isError(result)) {
        throw Error(ErrorCode::InvalidArgument, std::string("pack zstd: ") + ZSTD_getErrorName(result));
    }
}

class ZstdCodec final : public Codec {
public:
    explicit ZstdCodec(int level) : level_(level) {}

    PageForm written() const noexcept override { return kFrame; }
    std::span<const PageForm> readable() const noexcept override { return kReadable; }
    std::size_t maxPacked(std::size_t pageSize) const noexcept override { return ZSTD_compressBound(pageSize); }

    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        ZSTD_CCtx& context = contextOfThisThread<ZSTD_CCtx, ZSTD_createCCtx, ZSTD_freeCCtx>();
        // The thread may have packed for a codec with another level before.
        set(context, ZSTD_c_compressionLevel, level_);
        set(context, ZSTD_c_checksumFlag, 1);
        const std::size_t size = ZSTD_compress2(&context, out.data(), out.size(), page.data(), page.size());
        if (ZSTD_isError(size)) {
            throw Error(ErrorCode::InvalidArgument, std::string("pack zstd: ") + ZSTD_getErrorName(size));
        }
        return size;
    }

    std::size_t unpack(std::uint16_t flags, ConstBytes packed, MutableBytes page) const override {
        if (flags != kFrame.flags) {
            throw Error(ErrorCode::Unsupported, "unpack zstd: page flags " + std::to_string(flags));
        }
        // The decoder would also take several frames in a row, and frames of user data. One frame of one page is all that is right here.
        const unsigned long long told = ZSTD_getFrameContentSize(packed.data(), packed.size());
        if (told == ZSTD_CONTENTSIZE_ERROR) refuse("no frame");
        if (told != page.size()) {
            refuse("frame of " + (told == ZSTD_CONTENTSIZE_UNKNOWN ? "unknown size" : std::to_string(told) + " bytes") +
                   " in place of " + std::to_string(page.size()) + " bytes");
        }
        const std::size_t used = ZSTD_findFrameCompressedSize(packed.data(), packed.size());
        if (ZSTD_isError(used)) refuse(ZSTD_getErrorName(used));
        if (used != packed.size()) refuse(std::to_string(packed.size() - used) + " bytes behind the frame");
        ZSTD_DCtx& context = contextOfThisThread<ZSTD_DCtx, ZSTD_createDCtx, ZSTD_freeDCtx>();
        const std::size_t filled =
            ZSTD_decompressDCtx(&context, page.data(), page.size(), packed.data(), packed.size());
        if (ZSTD_isError(filled)) refuse(ZSTD_getErrorName(filled));
        if (filled != page.size()) {
            refuse("frame of " + std::to_string(filled) + " bytes in place of " + std::to_string(page.size()) +
                   " bytes");
        }
        return used;
    }

private:
    int level_;
};

class ZstdPlugin final : public CodecPlugin {
public:
    std::unique_ptr<Codec> open(const OptionValues& options) override {
        const std::int64_t level = options.has("level") ? options.integer("level") : kDefaultLevel;
        if (level < 1 || level > kMaxLevel) {
            throw Error(ErrorCode::InvalidArgument, "zstd: level " + std::to_string(level) +
                                                        " is out of range. Give a number from 1 (fastest) to " +
                                                        std::to_string(kMaxLevel) + " (smallest files)");
        }
        return std::make_unique<ZstdCodec>(static_cast<int>(level));
    }

private:
    static constexpr std::int64_t kDefaultLevel = 1;
    static constexpr std::int64_t kMaxLevel = 19;  // what is above differs for inputs that are larger than a page
};

constexpr OptionSpec kOptions[] = {
    {"level", OptionType::Integer, "1", "size against speed, from 1 (fastest) to 19 (smallest files)", false},
};

}  // namespace

LITESTREAM_DECLARE_CODEC("zstd", "1.0.0", "Zstandard, smaller than LZ4; no official Litestream reads it", kOptions, 1,
                         ZstdPlugin)
