#include "Names.h"

#include <litestream/Error.h>
#include <litestream/Key.h>

#include <Poco/NumberFormatter.h>
#include <Poco/String.h>

#include <cstdint>
#include <random>

namespace litestream::webdav {

namespace {

constexpr std::string_view kMark = ".tmp";
constexpr int kDigits = 16;

}  // namespace

std::string_view folderOf(std::string_view key) noexcept {
    const std::size_t slash = key.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash + 1);
}

std::string unfinishedName(const std::string& key) {
    std::random_device random;
    const std::uint64_t number = std::uint64_t{random()} << 32 | random();
    return key + "." + Poco::toLower(Poco::NumberFormatter::formatHex(static_cast<Poco::UInt64>(number), kDigits)) +
           std::string(kMark);
}

bool isUnfinished(std::string_view name) noexcept {
    return name.ends_with(kMark);
}

bool isOurUnfinished(std::string_view name) noexcept {
    if (!isUnfinished(name)) return false;
    name.remove_suffix(kMark.size());
    const std::size_t dot = name.rfind('.');
    return dot != std::string_view::npos && dot > 0 && name.size() - dot - 1 == std::size_t{kDigits} &&
           name.find_first_not_of("0123456789abcdef", dot + 1) == std::string_view::npos;
}

void checkNewKey(std::string_view key) {
    checkKey(key);
    if (isUnfinished(key)) {
        throw Error(ErrorCode::InvalidArgument,
                    "key \"" + std::string(key) + "\": ends with .tmp, the mark of unfinished files");
    }
}

}  // namespace litestream::webdav
