#pragma once

#include <litestream/Plugin.h>

#include <cstring>

/// A codec that is right: pages as they are. Each faulty one of this folder overrides what it gets wrong.
namespace litestream::faults {

class PlainCodec : public Codec {
public:
    PageForm written() const noexcept override { return kForm; }
    std::span<const PageForm> readable() const noexcept override { return {&kForm, 1}; }
    std::size_t maxPacked(std::size_t pageSize) const noexcept override { return pageSize; }

    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        std::memcpy(out.data(), page.data(), page.size());
        return page.size();
    }

    std::size_t unpack(std::uint16_t, ConstBytes packed, MutableBytes page) const override {
        if (packed.size() != page.size()) throw Error(ErrorCode::Corrupt, "plain page has a wrong length");
        std::memcpy(page.data(), packed.data(), page.size());
        return packed.size();
    }

private:
    static constexpr PageForm kForm{0x4000, true};
};

template <class Faulty>
class FaultyCodecPlugin final : public CodecPlugin {
public:
    std::unique_ptr<Codec> open(const OptionValues&) override { return std::make_unique<Faulty>(); }
};

/// Stands at the end of a faulty codec's file. NAME is the file's, and says what is wrong.
#define LITESTREAM_FAULTY_CODEC(NAME, CLASS)                                   \
    LITESTREAM_DECLARE_CODEC(NAME, "1.0.0", "is wrong in one way", nullptr, 0, \
                             ::litestream::faults::FaultyCodecPlugin<CLASS>)

}  // namespace litestream::faults
