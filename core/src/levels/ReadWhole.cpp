#include "levels/ReadWhole.h"

#include "levels/MergedBody.h"
#include "ltx/Decoder.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace litestream::levels {

CallContext transferContext(std::uint64_t bytes, const CancellationToken& cancellation, unsigned slowness) {
    constexpr std::uint64_t kSlowestBytesPerSecond = 64 * 1024;
    constexpr unsigned kMostDoublings = 3;
    return CallContext::within(std::chrono::seconds(20 + bytes / kSlowestBytesPerSecond) * (1u << std::min(slowness, kMostDoublings)), cancellation);
}

bool isLost(const Error& error) noexcept { return error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::NotFound; }

void checkName(const ltx::Header& header, const replica::FileId& file) {
    const ltx::TxidRange range{header.minTxid, header.maxTxid};
    if (range != file.range) throw Error(ErrorCode::Corrupt, "its header is that of " + ltx::fileName(range));
}

WholeFile readWhole(replica::ReplicaStore& store, const replica::FileInfo& file, const ltx::CodecSet& codecs, std::optional<std::uint64_t> expected,
                    const CallContext& context) {
    const std::string key = store.layout().key(file.id);
    WholeFile found;
    try {
        ltx::Decoder decoder(store.open(file, context), codecs, ltx::Decoder::Strictness::Verify);
        const auto& header = decoder.header();
        checkName(header, file.id);
        std::vector<std::byte> page(header.pageSize);
        while (decoder.next(page) != 0) {
        }
        found = {decoder.trailer().fileChecksum, header.nodeId};
    } catch (const Error& error) {
        throw error.within("read " + key);
    }
    if (expected && *expected != found.fileChecksum) throw anotherFile(key, *expected, found.fileChecksum);
    return found;
}

}  // namespace litestream::levels
