/* Preloaded into a program, makes its file calls fail while a trigger file exists.
 *
 *   FAULT_TRIGGER   the file; without it nothing happens
 *   FAULT_PATH      shell patterns of absolute paths that fail, separated by ':'  ("*-wal:*.ltx")
 *   FAULT_CALLS     which calls, separated by ','  (open, write, fsync, rename, link, mkdir)
 *   FAULT_ERRNO     ENOSPC, EIO, EMFILE, EACCES, EDQUOT or EROFS
 *   FAULT_ONCE      when set, the first failure removes the trigger
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int errno_by_name(const char* name) {
    static const struct {
        const char* name;
        int value;
    } known[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EMFILE", EMFILE}, {"EACCES", EACCES}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        if (name != NULL && strcmp(name, known[i].name) == 0) {
            return known[i].value;
        }
    }
    return EIO;
}

/* Is `item` one of `list`, separated by `separator`? Patterns when asked for. */
static int listed(const char* list, char separator, const char* item, int patterns) {
    while (list != NULL && *list != '\0') {
        const char* end = strchrnul(list, separator);
        char one[PATH_MAX];
        size_t length = (size_t)(end - list) < sizeof one - 1 ? (size_t)(end - list) : sizeof one - 1;
        memcpy(one, list, length);
        one[length] = '\0';
        if (patterns ? fnmatch(one, item, 0) == 0 : strcmp(one, item) == 0) {
            return 1;
        }
        list = *end == '\0' ? end : end + 1;
    }
    return 0;
}

/* Sets errno and returns 1 when this call on this path is to fail. */
static int fails(const char* call, const char* path) {
    const char* trigger = getenv("FAULT_TRIGGER");
    int saved = errno;
    if (trigger == NULL || !listed(getenv("FAULT_CALLS"), ',', call, 0) || !listed(getenv("FAULT_PATH"), ':', path, 1) ||
        REAL(access)(trigger, F_OK) != 0) {
        errno = saved;
        return 0;
    }
    if (getenv("FAULT_ONCE") != NULL && REAL(unlink)(trigger) != 0) {
        errno = saved; /* another process or thread had the one failure */
        return 0;
    }
    errno = errno_by_name(getenv("FAULT_ERRNO"));
    return 1;
}

static int fails_at(const char* call, int directory, const char* name) {
    char path[2 * PATH_MAX];
    char link[64];
    if (name[0] == '/') {
        return fails(call, name);
    }
    snprintf(link, sizeof link, directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", directory);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length < 0) {
        return 0;
    }
    snprintf(path + length, sizeof path - (size_t)length, "/%s", name);
    return fails(call, path);
}

static int fails_fd(const char* call, int fd) {
    char link[64];
    char path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = '\0';
    return fails(call, path);
}

#define OPEN_MODE(flags, mode)                          \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE)) { \
        va_list list;                                   \
        va_start(list, flags);                          \
        mode = va_arg(list, mode_t);                    \
        va_end(list);                                   \
    }

EXPORT int open(const char* path, int flags, ...) {
    mode_t mode = 0;
    OPEN_MODE(flags, mode)
    return fails_at("open", AT_FDCWD, path) ? -1 : REAL(open)(path, flags, mode);
}
EXPORT int open64(const char* path, int flags, ...) {
    mode_t mode = 0;
    OPEN_MODE(flags, mode)
    return fails_at("open", AT_FDCWD, path) ? -1 : REAL(open64)(path, flags, mode);
}
EXPORT int openat(int directory, const char* path, int flags, ...) {
    mode_t mode = 0;
    OPEN_MODE(flags, mode)
    return fails_at("open", directory, path) ? -1 : REAL(openat)(directory, path, flags, mode);
}
EXPORT int openat64(int directory, const char* path, int flags, ...) {
    mode_t mode = 0;
    OPEN_MODE(flags, mode)
    return fails_at("open", directory, path) ? -1 : REAL(openat64)(directory, path, flags, mode);
}
EXPORT ssize_t write(int fd, const void* bytes, size_t size) { return fails_fd("write", fd) ? -1 : REAL(write)(fd, bytes, size); }
EXPORT ssize_t writev(int fd, const struct iovec* parts, int count) {
    return fails_fd("write", fd) ? -1 : REAL(writev)(fd, parts, count);
}
EXPORT ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
    return fails_fd("write", fd) ? -1 : REAL(pwrite)(fd, bytes, size, at);
}
EXPORT ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
    return fails_fd("write", fd) ? -1 : REAL(pwrite64)(fd, bytes, size, at);
}
EXPORT int fsync(int fd) { return fails_fd("fsync", fd) ? -1 : REAL(fsync)(fd); }
EXPORT int fdatasync(int fd) { return fails_fd("fsync", fd) ? -1 : REAL(fdatasync)(fd); }
EXPORT int rename(const char* from, const char* to) { return fails_at("rename", AT_FDCWD, to) ? -1 : REAL(rename)(from, to); }
EXPORT int renameat(int from_fd, const char* from, int to_fd, const char* to) {
    return fails_at("rename", to_fd, to) ? -1 : REAL(renameat)(from_fd, from, to_fd, to);
}
EXPORT int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
    return fails_at("rename", to_fd, to) ? -1 : REAL(renameat2)(from_fd, from, to_fd, to, flags);
}
EXPORT int link(const char* from, const char* to) { return fails_at("link", AT_FDCWD, to) ? -1 : REAL(link)(from, to); }
EXPORT int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) {
    return fails_at("link", to_fd, to) ? -1 : REAL(linkat)(from_fd, from, to_fd, to, flags);
}
EXPORT int mkdir(const char* path, mode_t mode) { return fails_at("mkdir", AT_FDCWD, path) ? -1 : REAL(mkdir)(path, mode); }
EXPORT int mkdirat(int directory, const char* path, mode_t mode) {
    return fails_at("mkdir", directory, path) ? -1 : REAL(mkdirat)(directory, path, mode);
}
