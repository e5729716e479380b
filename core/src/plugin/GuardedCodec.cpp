#include "plugin/Guarded.h"

#include <algorithm>
#include <string>

namespace litestream::plugin {

namespace {

/// No codec needs more for a page; a larger figure would only make core allocate it.
constexpr std::size_t kMostPacked = 16 * 1024 * 1024;

/// On the way of every page: a try block, which costs nothing unless it is needed, and a few comparisons.
class GuardedCodec final : public Codec {
public:
    GuardedCodec(ModulePtr module, std::unique_ptr<Codec> codec) : module_(std::move(module)), codec_(std::move(codec)) {
        if (codec_ == nullptr) module_->fault("open", "gave no codec");
        const auto forms = codec_->readable();
        const auto isWritten = [form = codec_->written()](const PageForm& other) {
            return other.flags == form.flags && other.sizePrefixed == form.sizePrefixed;
        };
        if (std::none_of(forms.begin(), forms.end(), isWritten)) module_->fault("readable", "lacks the form that is written");
        for (std::size_t pageSize = 512; pageSize <= 65536; pageSize *= 2) {
            const std::size_t most = codec_->maxPacked(pageSize);
            if (most == 0 || most > kMostPacked) {
                module_->fault("maxPacked", "gave " + std::to_string(most) + " for " + std::to_string(pageSize) + " bytes");
            }
        }
    }

    PageForm written() const noexcept override { return codec_->written(); }
    std::span<const PageForm> readable() const noexcept override { return codec_->readable(); }
    std::size_t maxPacked(std::size_t pageSize) const noexcept override { return codec_->maxPacked(pageSize); }

    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        const std::size_t packed = module_->guard("pack", [&] { return codec_->pack(page, out); });
        if (packed > out.size() || packed > codec_->maxPacked(page.size())) [[unlikely]] {
            module_->fault("pack", "gave " + std::to_string(packed) + " bytes, more than the most that it announced");
        }
        return packed;
    }

    std::size_t unpack(std::uint16_t flags, ConstBytes packed, MutableBytes page) const override {
        const std::size_t used = module_->guard("unpack", [&] { return codec_->unpack(flags, packed, page); });
        if (used > packed.size()) [[unlikely]] {
            module_->fault("unpack", "used " + std::to_string(used) + " bytes of " + std::to_string(packed.size()));
        }
        return used;
    }

private:
    const ModulePtr module_;  // before the codec: its code outlives it
    const std::unique_ptr<Codec> codec_;
};

}  // namespace

std::shared_ptr<const Codec> guardCodec(ModulePtr module, std::unique_ptr<Codec> codec) {
    return std::make_shared<const GuardedCodec>(std::move(module), std::move(codec));
}

}  // namespace litestream::plugin
