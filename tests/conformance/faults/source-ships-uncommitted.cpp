#include "SnapshotSource.h"

#include <fstream>
#include <iterator>

namespace litestream::faults {
namespace {

/// Reads the file without asking for a lock.
class ShipsUncommitted final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    std::string read() override {
        if (known_ == nullptr && readAll(connection_.get()).empty()) return {};
        std::ifstream file(context_.database, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("ships-uncommitted", litestream::faults::ShipsUncommitted)
