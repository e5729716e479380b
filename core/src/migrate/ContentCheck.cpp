#include "migrate/ContentCheck.h"

#include "migrate/Lz4File.h"

#include <litestream/Error.h>

#include <utility>

namespace litestream::migrate {
namespace {

class LtxCheck final : public ContentCheck {
public:
    LtxCheck(const replica::FileId& file, ltx::ByteSource source, const ltx::CodecSet& codecs) : decoder_(std::move(source), codecs) {
        const ltx::TxidRange range{decoder_.header().minTxid, decoder_.header().maxTxid};
        if (range == file.range) return;
        throw Error(ErrorCode::Corrupt, "LTX file: its header says " + ltx::format(range.min) + "-" + ltx::format(range.max) +
                                            ", its name something else");
    }

    std::optional<Timestamp> timestamp() const override { return decoder_.header().timestamp; }

    void finish() override {
        std::vector<std::byte> page(decoder_.header().pageSize);
        while (decoder_.next(page) != 0) {
        }
    }

private:
    ltx::Decoder decoder_;
};

class Lz4Check final : public ContentCheck {
public:
    explicit Lz4Check(ltx::ByteSource source) : source_(std::move(source)) {}

    std::optional<Timestamp> timestamp() const override { return std::nullopt; }
    void finish() override { checkLz4File(source_); }

private:
    const ltx::ByteSource source_;
};

}  // namespace

std::unique_ptr<ContentCheck> beginCheck(const ObjectId& id, ltx::ByteSource source, const ltx::CodecSet& codecs) {
    if (const auto* file = std::get_if<replica::FileId>(&id)) return std::make_unique<LtxCheck>(*file, std::move(source), codecs);
    return std::make_unique<Lz4Check>(std::move(source));
}

}  // namespace litestream::migrate
