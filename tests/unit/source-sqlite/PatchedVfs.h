#pragma once

#include <sqlite3.h>

namespace litestream::test {

/// SQLite's own VFS with methods of database files replaced: while the object lives it is the default VFS, and what is opened then has the patched
/// methods until it is closed. One at a time.
class PatchedVfs {
public:
    /// `patch` replaces members of a copy of SQLite's method table.
    explicit PatchedVfs(void (*patch)(sqlite3_io_methods&)) {
        patch_ = patch;
        base_ = sqlite3_vfs_find(nullptr);
        vfs_ = *base_;
        vfs_.zName = "patched";
        vfs_.xOpen = &open;
        sqlite3_vfs_register(&vfs_, 1);
    }
    ~PatchedVfs() {
        sqlite3_vfs_register(base_, 1);
        sqlite3_vfs_unregister(&vfs_);
    }
    PatchedVfs(const PatchedVfs&) = delete;
    PatchedVfs& operator=(const PatchedVfs&) = delete;

    /// What the patched methods end with.
    static const sqlite3_io_methods& original() { return *original_; }

private:
    static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
        const int rc = base_->xOpen(base_, name, file, flags, out);
        if (rc == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
            original_ = file->pMethods;
            patched_ = *original_;
            patch_(patched_);
            file->pMethods = &patched_;
        }
        return rc;
    }

    static inline void (*patch_)(sqlite3_io_methods&) = nullptr;
    static inline sqlite3_vfs* base_ = nullptr;
    static inline const sqlite3_io_methods* original_ = nullptr;
    static inline sqlite3_io_methods patched_;
    sqlite3_vfs vfs_;
};

}  // namespace litestream::test
