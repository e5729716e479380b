#pragma once

namespace litestream::sqlite {

/// Keeps the process alive when a wal-index is taken away under it.
///
/// A wal-index is a mapped file. If somebody truncates it, or its file system fails, the next access raises SIGBUS, which would end the following of
/// every database of this process. While an object of this class lives, such an access sees memory of our own instead: WalIndex::lost() is true of it, and SQLite
/// refuses to work with it, too, as long as it is mapped. Nothing is written into the file any more; locks on it stay what they are.
///
/// Other bus errors go to whoever handled them before. Any number of objects, made and destroyed by any thread.
class IndexLossHandler {
public:
    IndexLossHandler();
    ~IndexLossHandler();
    IndexLossHandler(const IndexLossHandler&) = delete;
    IndexLossHandler& operator=(const IndexLossHandler&) = delete;
};

}  // namespace litestream::sqlite
