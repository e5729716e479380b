#include "Checkpointer.h"

#include "../sqlite/Attachable.h"

#include <sqlite3.h>

namespace litestream::sqlite {

Checkpointer::Result Checkpointer::passive() {
    if (!connection_) {
        auto connection = std::make_unique<Connection>(database_);
        connection->attach();
        connection_ = std::move(connection);
    }
    const int rc =
        sqlite3_wal_checkpoint_v2(connection_->handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) return Result::Busy;
    if (rc != SQLITE_OK) throw Refusal(std::string("checkpoint: ") + sqlite3_errstr(rc));
    ++count_;
    return Result::Done;
}

}  // namespace litestream::sqlite
