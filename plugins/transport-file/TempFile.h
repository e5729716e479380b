#pragma once

#include <litestream/Transport.h>

#include <string>

namespace litestream::file {

/// A file that is not yet what it will be: written under a name that no listing shows, then given its final one.
/// Whatever fails on the way, the destructor removes it.
class TempFile {
public:
    /// Creates it in `directory`, which ends with '/', for a final file called `name`. Throws Error(NotFound) if there is no such directory.
    TempFile(const std::string& directory, const std::string& name, const FileAttributes& attributes);
    ~TempFile();
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;

    void write(ConstBytes bytes);
    /// Sets the times, makes content and times durable and closes the file.
    void finish(Timestamp timestamp);
    /// Gives the file its final name, over an existing file unless `onlyIfAbsent`: then Error(Conflict).
    void publish(const std::string& path, bool onlyIfAbsent);

private:
    void apply(const FileAttributes& attributes) const;
    void close() noexcept;
    void publishExclusively(const std::string& path) const;

    std::string path_;
    int descriptor_ = -1;
    bool published_ = false;
};

/// Makes the names in `directory` durable.
void syncDirectory(const std::string& directory);

}  // namespace litestream::file
