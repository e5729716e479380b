#pragma once

#include "Connection.h"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace litestream::sqlite {

/// Runs PASSIVE checkpoints, the only kind that never makes a writer wait, on a connection of its own: a checkpoint tests the
/// reader locks, and SQLite would not see those of the same connection.
///
/// Rule: only while the caller holds Guard::Hold::Reset or the write lock. Then the WAL cannot be reset between the
/// checkpoint's look at the header and its work, the race that corrupts databases in SQLite before 3.51.3.
class Checkpointer {
public:
    enum class Result { Done, Busy };

    explicit Checkpointer(std::filesystem::path database) : database_(std::move(database)) {}

    /// Copies what the readers allow. Busy: somebody else is checkpointing. Throws Refusal if it cannot connect or fails.
    Result passive();

    /// Closes the connection; the next checkpoint opens it again.
    void close() noexcept { connection_.reset(); }

    std::uint64_t count() const noexcept { return count_; }

private:
    std::filesystem::path database_;
    std::unique_ptr<Connection> connection_;
    std::uint64_t count_ = 0;
};

}  // namespace litestream::sqlite
