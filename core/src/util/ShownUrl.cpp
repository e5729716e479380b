#include "util/ShownUrl.h"

#include <algorithm>

namespace litestream {
namespace {

/// Length of "scheme://", 0 when the text does not begin with one.
std::size_t schemeLength(std::string_view url) {
    const std::size_t end = url.find("://");
    if (end == std::string_view::npos) return 0;
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
               c == '.' || c == '_';
    };
    return std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(end), fits) ? end + 3 : 0;
}

}  // namespace

std::string shownUrl(std::string_view url) {
    const std::string_view scheme = url.substr(0, schemeLength(url));
    const std::string_view rest = url.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("?#"), rest.size());
    const std::size_t at = rest.rfind('@');
    if (at == std::string_view::npos) return std::string(url.substr(0, scheme.size() + end));
    // Behind a '?' it may end a secret as well as belong to the query.
    const std::string_view visible = at < end ? rest.substr(at, end - at) : std::string_view();
    return std::string(scheme).append("xxxxx").append(visible);
}

}  // namespace litestream
