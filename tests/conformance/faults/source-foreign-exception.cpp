#include "SnapshotSource.h"

#include <stdexcept>

namespace litestream::faults {
namespace {

/// Lets the exception of a library pass.
class ForeignException final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    std::string read() override {
        const int rc = sqlite3_exec(connection_.get(), "SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr);
        if (rc == SQLITE_NOTADB) throw std::runtime_error("file is not a database");
        return SnapshotSource::read();
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("foreign-exception", litestream::faults::ForeignException)
