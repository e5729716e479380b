// A codec plugin that cannot even be made.
#include <litestream/Plugin.h>

#include <stdexcept>

namespace {

using namespace litestream;

class ThrowingPlugin final : public CodecPlugin {
public:
    explicit ThrowingPlugin(Host&) { throw std::logic_error("no such luck"); }
    std::unique_ptr<Codec> open(const OptionValues&) override { return nullptr; }
};

}  // namespace

LITESTREAM_DECLARE_CODEC("throwing", "1.0.0", "throws from its factory", nullptr, 0, ThrowingPlugin)
