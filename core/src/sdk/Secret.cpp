#include <litestream/Secret.h>

#include <cstring>
#include <utility>

namespace litestream {

Secret::Secret(std::string text) : text_(std::move(text)) {}

Secret::Secret(const Secret&) = default;

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) {
    // A short string is copied by a move, and the original may keep its characters.
    other.wipe();
}

Secret& Secret::operator=(Secret other) noexcept {
    text_.swap(other.text_);
    return *this;  // `other` wipes what was here
}

Secret::~Secret() { wipe(); }

void Secret::wipe() noexcept {
    text_.resize(text_.capacity());  // within the capacity: allocates nothing
    ::explicit_bzero(text_.data(), text_.size());
    text_.clear();
}

}  // namespace litestream
