#include "migrate/Lz4File.h"

#include <litestream/Error.h>

#include <lz4frame.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream::migrate {
namespace {

constexpr std::size_t kInput = 64u << 10;
constexpr std::size_t kOutput = 256u << 10;
/// What v0.3 puts around its files when it is given keys; so begins the age format.
constexpr std::string_view kEncrypted = "age-encryption.org/";

[[noreturn]] void refuse(const std::string& rule) { throw Error(ErrorCode::Corrupt, "LZ4 file: " + rule); }

struct FreeContext {
    void operator()(LZ4F_dctx* context) const noexcept { LZ4F_freeDecompressionContext(context); }
};

std::unique_ptr<LZ4F_dctx, FreeContext> makeContext() {
    LZ4F_dctx* made = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) throw std::bad_alloc();
    return std::unique_ptr<LZ4F_dctx, FreeContext>(made);
}

void refuseEncrypted(ConstBytes start) {
    const std::string_view text(reinterpret_cast<const char*>(start.data()), std::min(start.size(), kEncrypted.size()));
    if (text != kEncrypted) return;
    throw Error(ErrorCode::Unsupported, "LZ4 file: it is encrypted, so it cannot be checked");
}

}  // namespace

void checkLz4File(const ltx::ByteSource& source) {
    const auto context = makeContext();
    std::vector<std::byte> input(kInput);
    std::vector<std::byte> output(kOutput);
    bool first = true;
    bool ended = false;
    while (const std::size_t got = source(input)) {
        ConstBytes rest(input.data(), got);
        if (std::exchange(first, false)) refuseEncrypted(rest);
        // The decoder may hold output back when no input is left: it is asked until it has nothing more to say.
        bool full = true;
        while (!rest.empty() || (full && !ended)) {
            if (ended) refuse("goes on behind the end of its frame");
            std::size_t read = rest.size();
            std::size_t written = output.size();
            const std::size_t hint = LZ4F_decompress(context.get(), output.data(), &written, rest.data(), &read, nullptr);
            if (LZ4F_isError(hint)) refuse(LZ4F_getErrorName(hint));
            if (read == 0 && written == 0 && !rest.empty()) refuse("cannot be decoded");
            rest = rest.subspan(read);
            full = written == output.size();
            ended = hint == 0;
        }
    }
    if (!ended) refuse(first ? "is empty" : "is cut short");
}

}  // namespace litestream::migrate
