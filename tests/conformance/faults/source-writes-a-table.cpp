#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// Keeps its own books in the database.
class WritesATable final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    std::string read() override {
        if (!readAll(connection_.get()).empty())
            sqlite3_exec(connection_.get(), "CREATE TABLE IF NOT EXISTS _books(id)", nullptr, nullptr, nullptr);
        return SnapshotSource::read();
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("writes-a-table", litestream::faults::WritesATable)
