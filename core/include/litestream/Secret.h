#pragma once

#include <litestream/Export.h>

#include <string>

namespace litestream {

/// A text that nobody may see: a key, a password. It cannot be printed, formatted, compared or converted by accident: only
/// reveal() gives it out, so a search for that word finds every place that could leak it. The memory is wiped when it ends.
class LITESTREAM_SDK Secret {
public:
    Secret() = default;
    explicit Secret(std::string text);
    Secret(const Secret&);
    Secret(Secret&&) noexcept;
    Secret& operator=(Secret) noexcept;
    ~Secret();

    bool empty() const noexcept { return text_.empty(); }
    const std::string& reveal() const noexcept { return text_; }

private:
    void wipe() noexcept;

    std::string text_;
};

}  // namespace litestream
