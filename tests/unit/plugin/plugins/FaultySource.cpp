// A source that does wrong what its option names. It follows nothing.
#include <litestream/Plugin.h>

#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace litestream;

class FaultyImage final : public Image {
public:
    explicit FaultyImage(std::string fault) : fault_(std::move(fault)) {}
    std::uint32_t pageSize() const noexcept override { return fault_ == "image-page-size" ? 1000 : 4096; }
    std::uint32_t pageCount() const noexcept override { return 1; }
    Position position() const noexcept override {
        Position position;
        position.size = fault_ == "image-position" ? 65 : 1;
        return position;
    }
    void read(PageNumber, MutableBytes) override {
        if (fault_ == "image-read") throw std::runtime_error("from read");
    }

private:
    const std::string fault_;
};

class FaultySource final : public Source {
public:
    explicit FaultySource(std::string fault) : fault_(std::move(fault)) {}

    Attachment attach(const Position*) override {
        if (fault_ == "attach") throw std::runtime_error("from attach");
        if (fault_ == "outcome") return {static_cast<Attachment::Outcome>(17), "", 4096, 1};
        return {Attachment::Outcome::Lost, "always", fault_ == "page-size" ? 4095u : 4096u, 1};
    }
    Capture capture(std::uint64_t, PageSink& sink) override {
        if (fault_ == "capture") throw std::runtime_error("from capture");
        if (fault_ == "int") throw 42;
        const std::vector<std::byte> page(fault_ == "short-page" ? 100 : 4096);
        sink.page(fault_ == "page-zero" ? 0 : fault_ == "lock-page" ? lockPage(4096) : 1, page);
        Capture capture;
        capture.outcome = Capture::Outcome::Captured;
        capture.position.size = fault_ == "position" ? 65 : 8;
        capture.commit = 1;
        return capture;
    }
    void release(const Position&) override { throw std::runtime_error("from release"); }
    std::unique_ptr<Image> image() override {
        if (fault_ == "no-image") return nullptr;
        return std::make_unique<FaultyImage>(fault_);
    }
    void detach() override {}
    SourceStatus status() const override { throw std::runtime_error("from status"); }

private:
    const std::string fault_;
};

class FaultyPlugin final : public SourcePlugin {
public:
    std::unique_ptr<Source> open(SourceContext, const OptionValues& options) override {
        const std::string fault = options.textOr("fault", "");
        if (fault == "null") return nullptr;
        return std::make_unique<FaultySource>(fault);
    }
};

constexpr OptionSpec kOptions[] = {{"fault", OptionType::String, "", "what to do wrong", false}};

}  // namespace

LITESTREAM_DECLARE_SOURCE("faulty", "1.0.0", "does what it must not", kOptions, 1, FaultyPlugin)
