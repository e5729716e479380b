#include "plugin/PluginFile.h"

#include <litestream/Error.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

namespace litestream::plugin {

namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr Elf64_Half kMachine = EM_RISCV;
#else
#error "name this machine's ELF number here"
#endif
constexpr unsigned char kByteOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

[[noreturn]] void refuse(ErrorCode code, const std::string& text) { throw Error(code, text); }

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
    return text.data();
}

/// `what` is "file" or "directory", `path` the thing a remedy must name.
void checkOwner(const struct stat& status, const char* what, const std::filesystem::path& path) {
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        refuse(ErrorCode::Denied, std::string(what) + " belongs to user " + std::to_string(status.st_uid) +
                                      ", wanted root or user " + std::to_string(::geteuid()) + ", who runs this program");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        refuse(ErrorCode::Denied, std::string(what) + " has mode " + octal(status.st_mode) +
                                      ": others may write to it, wanted only its owner. Use: chmod go-w " + path.string());
    }
}

struct Descriptor {
    explicit Descriptor(const std::filesystem::path& path)
        : value(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~Descriptor() {
        if (value >= 0) ::close(value);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    const int value;
};

void checkElf(const Descriptor& file) {
    Elf64_Ehdr header{};
    const ssize_t got = ::pread(file.value, &header, sizeof header, 0);
    if (got < 0) throw systemError("read", errno);
    if (got < SELFMAG || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        refuse(ErrorCode::InvalidArgument, "is no shared object: found other bytes at its beginning, wanted the ELF magic");
    }
    if (static_cast<std::size_t>(got) < sizeof header) {
        refuse(ErrorCode::InvalidArgument, "is cut off: found " + std::to_string(got) + " bytes, wanted at least an ELF header");
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != kByteOrder || header.e_machine != kMachine) {
        refuse(ErrorCode::Unsupported,
               "is for another machine: found ELF class " + std::to_string(header.e_ident[EI_CLASS]) + ", byte order " +
                   std::to_string(header.e_ident[EI_DATA]) + ", machine " + std::to_string(header.e_machine) +
                   ", wanted class " + std::to_string(ELFCLASS64) + ", byte order " + std::to_string(kByteOrder) +
                   ", machine " + std::to_string(kMachine));
    }
    if (header.e_type != ET_DYN) {
        refuse(ErrorCode::InvalidArgument, "is no shared object: found ELF type " + std::to_string(header.e_type) + ", wanted " +
                                               std::to_string(ET_DYN) + ". Link it with -shared");
    }
}

}  // namespace

void checkPluginDirectory(const std::filesystem::path& directory) {
    struct stat status{};
    if (::stat(directory.c_str(), &status) != 0) throw systemError("look at directory", errno);
    if (!S_ISDIR(status.st_mode)) refuse(ErrorCode::InvalidArgument, "is no directory");
    checkOwner(status, "directory", directory);
}

void checkPluginFile(const std::filesystem::path& file) {
    // Asked of the open file, so that these are the bytes that were looked at.
    const Descriptor descriptor(file);
    if (descriptor.value < 0) throw systemError("open", errno);
    struct stat status{};
    if (::fstat(descriptor.value, &status) != 0) throw systemError("look at file", errno);
    if (!S_ISREG(status.st_mode)) refuse(ErrorCode::InvalidArgument, "is no regular file");
    checkOwner(status, "file", file);
    checkElf(descriptor);
}

}  // namespace litestream::plugin
