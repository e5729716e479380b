#include "plugin/Guarded.h"

#include <string>

namespace litestream::plugin {

namespace {

void checkPosition(const Module& module, const char* operation, const Position& position) {
    if (position.size > Position::kMaxBytes) {
        module.fault(operation, "gave a position of " + std::to_string(position.size) + " bytes, at most " +
                                    std::to_string(Position::kMaxBytes) + " fit");
    }
}

void checkPageSize(const Module& module, const char* operation, std::uint32_t pageSize) {
    if (!isPageSize(pageSize)) module.fault(operation, "gave the page size " + std::to_string(pageSize));
}

/// Lets only pages through that can be pages of the database.
class CheckedSink final : public PageSink {
public:
    CheckedSink(const Module& module, PageSink& sink, std::uint32_t pageSize)
        : module_(module), sink_(sink), pageSize_(pageSize), lockPage_(pageSize == 0 ? 0 : lockPage(pageSize)) {}

    void page(PageNumber number, ConstBytes content) override {
        if (content.size() != pageSize_ || number == 0 || number == lockPage_) [[unlikely]] {
            module_.fault("capture", "gave page " + std::to_string(number) + " with " + std::to_string(content.size()) +
                                         " bytes for the page size " + std::to_string(pageSize_));
        }
        sink_.page(number, content);
    }

private:
    const Module& module_;
    PageSink& sink_;
    const std::uint32_t pageSize_;
    const PageNumber lockPage_;
};

class GuardedImage final : public Image {
public:
    GuardedImage(ModulePtr module, std::unique_ptr<Image> image) : module_(std::move(module)), image_(std::move(image)) {
        if (image_ == nullptr) module_->fault("image", "gave none");
        checkPageSize(*module_, "image", image_->pageSize());
        checkPosition(*module_, "image", image_->position());
    }

    std::uint32_t pageSize() const noexcept override { return image_->pageSize(); }
    std::uint32_t pageCount() const noexcept override { return image_->pageCount(); }
    Position position() const noexcept override { return image_->position(); }

    void read(PageNumber first, MutableBytes into) override {
        module_->guard("read", [&] { image_->read(first, into); });
    }

private:
    const ModulePtr module_;
    const std::unique_ptr<Image> image_;
};

class GuardedSource final : public Source {
public:
    GuardedSource(ModulePtr module, std::unique_ptr<Source> source)
        : module_(std::move(module)), source_(std::move(source)) {
        if (source_ == nullptr) module_->fault("open", "gave no source");
    }

    Attachment attach(const Position* last) override {
        Attachment found = module_->guard("attach", [&] { return source_->attach(last); });
        if (found.outcome > Attachment::Outcome::Detached) module_->fault("attach", "gave an unknown outcome");
        if (found.outcome == Attachment::Outcome::Detached) {
            pageSize_ = 0;
        } else {
            checkPageSize(*module_, "attach", found.pageSize);
            pageSize_ = found.pageSize;
        }
        return found;
    }

    Capture capture(std::uint64_t budgetBytes, PageSink& sink) override {
        CheckedSink checked(*module_, sink, pageSize_);
        Capture captured = module_->guard("capture", [&] { return source_->capture(budgetBytes, checked); });
        if (captured.outcome > Capture::Outcome::Detached) module_->fault("capture", "gave an unknown outcome");
        checkPosition(*module_, "capture", captured.position);
        return captured;
    }

    void release(const Position& position) override {
        module_->guard("release", [&] { source_->release(position); });
    }

    std::unique_ptr<Image> image() override {
        auto image = std::make_unique<GuardedImage>(module_, module_->guard("image", [&] { return source_->image(); }));
        // After a loss the database may be another one.
        pageSize_ = image->pageSize();
        return image;
    }

    void detach() override {
        module_->guard("detach", [&] { source_->detach(); });
        pageSize_ = 0;
    }

    SourceStatus status() const override {
        return module_->guard("status", [&] { return source_->status(); });
    }

private:
    const ModulePtr module_;  // before the source: its code outlives it
    const std::unique_ptr<Source> source_;
    std::uint32_t pageSize_ = 0;  ///< of the database that is followed; 0 = none
};

}  // namespace

std::unique_ptr<Source> guardSource(ModulePtr module, std::unique_ptr<Source> source) {
    return std::make_unique<GuardedSource>(std::move(module), std::move(source));
}

}  // namespace litestream::plugin
