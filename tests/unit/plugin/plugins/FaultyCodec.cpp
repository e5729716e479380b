// A codec that does wrong what its option names.
#include <litestream/Plugin.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace {

using namespace litestream;

class FaultyCodec final : public Codec {
public:
    explicit FaultyCodec(std::string fault) : fault_(std::move(fault)) {}

    PageForm written() const noexcept override { return fault_ == "form" ? PageForm{0x1000, true} : kForm; }
    std::span<const PageForm> readable() const noexcept override { return {&kForm, 1}; }
    std::size_t maxPacked(std::size_t pageSize) const noexcept override { return fault_ == "max" ? SIZE_MAX : pageSize; }
    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        if (fault_ == "exception") throw std::runtime_error("from pack");
        if (fault_ == "int") throw 42;
        if (fault_ == "error") throw Error(ErrorCode::DiskFull, "as thrown");
        std::memcpy(out.data(), page.data(), page.size());
        return fault_ == "pack" ? page.size() + 1 : page.size();
    }
    std::size_t unpack(std::uint16_t, ConstBytes packed, MutableBytes page) const override {
        std::memcpy(page.data(), packed.data(), std::min(packed.size(), page.size()));
        return fault_ == "unpack" ? packed.size() + 1 : packed.size();
    }

private:
    static constexpr PageForm kForm{0x2000, true};
    const std::string fault_;
};

class FaultyPlugin final : public CodecPlugin {
public:
    std::unique_ptr<Codec> open(const OptionValues& options) override {
        const std::string fault = options.textOr("fault", "");
        if (fault == "null") return nullptr;
        if (fault == "open") throw std::runtime_error("from open");
        return std::make_unique<FaultyCodec>(fault);
    }
};

constexpr OptionSpec kOptions[] = {
    {"fault", OptionType::String, "", "what to do wrong", false},
    {"level", OptionType::Integer, "3", "some number", false},
    {"window", OptionType::Size, "", "some size", false},
    {"pause", OptionType::Duration, "", "some time", false},
    {"strict", OptionType::Boolean, "", "some switch", false},
    {"key", OptionType::Secret, "", "some secret", false},
};

}  // namespace

LITESTREAM_DECLARE_CODEC("faulty", "1.0.0", "does what it must not", kOptions, 6, FaultyPlugin)
