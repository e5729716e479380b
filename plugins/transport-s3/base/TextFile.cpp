#include "TextFile.h"

#include <litestream/Error.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace litestream::s3 {

namespace {

constexpr std::size_t kLimit = 1024 * 1024;

struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Secret readSecretFile(const std::string& path, std::string_view what) {
    const std::string subject = std::string(what) + ": read " + path;
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
    if (!file) throw systemError(subject, errno);
    std::string content(kLimit + 1, '\0');
    content.resize(std::fread(content.data(), 1, content.size(), file.get()));
    if (std::ferror(file.get()) != 0) throw systemError(subject, errno);
    const Secret whole(std::move(content));
    if (whole.reveal().size() > kLimit) throw Error(ErrorCode::InvalidArgument, subject + ": more than a mebibyte");
    return Secret(std::string(trimmed(whole.reveal())));
}

}  // namespace litestream::s3
