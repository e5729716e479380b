#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// Keeps the transaction open that it began when it attached.
class HoldsAReader final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    Attachment attach(const Position* last) override {
        const Attachment found = SnapshotSource::attach(last);
        if (found.outcome == Attachment::Outcome::Detached) return found;
        reader_ = openDatabase(context_.database);
        sqlite3_exec(reader_.get(), "BEGIN; SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr);
        return found;
    }
    void detach() override {
        reader_.reset();
        SnapshotSource::detach();
    }

    Connection reader_{nullptr, &sqlite3_close};
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("holds-a-reader", litestream::faults::HoldsAReader)
