/* Preloaded into a program, makes its file calls fail, take their time or be recorded while a trigger file exists.
 *
 *   FAULT_TRIGGER   the file; without it nothing happens
 *   FAULT_PATH      shell patterns of absolute paths that fail, separated by ':'  ("*-wal:*.ltx")
 *   FAULT_CALLS     which calls, separated by ','  (open, read, write, fsync, rename, link, mkdir)
 *   FAULT_ERRNO     ENOSPC, EIO, EMFILE, EACCES, EDQUOT or EROFS; or KILL: the process dies instead; or NONE: nothing fails
 *   FAULT_ONCE      when set, the first failure removes the trigger
 *   FAULT_SKIP      that many of these calls go well first
 *   FAULT_ROOM      bytes that can be written before writes fail: a small disk
 *   FAULT_DELAY     microseconds that each call takes longer
 *   FAULT_RECORD    a file that gets a line for each of these calls: its name and the path
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
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

static long number(const char* variable) {
    const char* text = getenv(variable);
    return text == NULL ? 0 : atol(text);
}

static void record(const char* call, const char* path) {
    const char* name = getenv("FAULT_RECORD");
    char line[2 * PATH_MAX];
    int file = name == NULL ? -1 : REAL(open)(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) {
        return;
    }
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    if (REAL(write)(file, line, (size_t)length) != length) {
        abort();
    }
    close(file);
}

/* What a call that is meant meets: 1 = it fails. `bytes` is how many it writes. */
static int strikes(const char* call, const char* path, size_t bytes) {
    static atomic_long calls;
    static atomic_long written;
    const char* error = getenv("FAULT_ERRNO");
    record(call, path);
    if (number("FAULT_DELAY") > 0) {
        usleep((useconds_t)number("FAULT_DELAY"));
    }
    if (error != NULL && strcmp(error, "NONE") == 0) {
        return 0;
    }
    if (atomic_fetch_add(&calls, 1) < number("FAULT_SKIP")) {
        return 0;
    }
    if (getenv("FAULT_ROOM") != NULL && atomic_fetch_add(&written, (long)bytes) + (long)bytes <= number("FAULT_ROOM")) {
        return 0;
    }
    if (error != NULL && strcmp(error, "KILL") == 0) {
        raise(SIGKILL);
    }
    return 1;
}

/* Sets errno and returns 1 when this call on this path is to fail. */
static int fails_writing(const char* call, const char* path, size_t bytes) {
    const char* trigger = getenv("FAULT_TRIGGER");
    int saved = errno;
    if (trigger == NULL || !listed(getenv("FAULT_CALLS"), ',', call, 0) || !listed(getenv("FAULT_PATH"), ':', path, 1) ||
        REAL(access)(trigger, F_OK) != 0 || !strikes(call, path, bytes)) {
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

static int fails(const char* call, const char* path) { return fails_writing(call, path, 0); }

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

static int fails_fd(const char* call, int fd, size_t bytes) {
    char link[64];
    char path[PATH_MAX];
    if (!listed(getenv("FAULT_CALLS"), ',', call, 0)) {
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = '\0';
    return fails_writing(call, path, bytes);
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
EXPORT ssize_t read(int fd, void* bytes, size_t size) { return fails_fd("read", fd, 0) ? -1 : REAL(read)(fd, bytes, size); }
EXPORT ssize_t pread(int fd, void* bytes, size_t size, off_t at) { return fails_fd("read", fd, 0) ? -1 : REAL(pread)(fd, bytes, size, at); }
EXPORT ssize_t pread64(int fd, void* bytes, size_t size, off64_t at) {
    return fails_fd("read", fd, 0) ? -1 : REAL(pread64)(fd, bytes, size, at);
}
EXPORT ssize_t write(int fd, const void* bytes, size_t size) { return fails_fd("write", fd, size) ? -1 : REAL(write)(fd, bytes, size); }
EXPORT ssize_t writev(int fd, const struct iovec* parts, int count) {
    return fails_fd("write", fd, 0) ? -1 : REAL(writev)(fd, parts, count);
}
EXPORT ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
    return fails_fd("write", fd, size) ? -1 : REAL(pwrite)(fd, bytes, size, at);
}
EXPORT ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
    return fails_fd("write", fd, size) ? -1 : REAL(pwrite64)(fd, bytes, size, at);
}
EXPORT int fsync(int fd) { return fails_fd("fsync", fd, 0) ? -1 : REAL(fsync)(fd); }
EXPORT int fdatasync(int fd) { return fails_fd("fsync", fd, 0) ? -1 : REAL(fdatasync)(fd); }
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
