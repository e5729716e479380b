#pragma once

#include "migrate/CheckedContent.h"

namespace litestream::migrate {

/// A large object. A thread of its own reads and checks, a few pieces ahead of whoever sends. Its last piece stays back until the check has ended.
///
/// Threads: next(), rewind() and the rest belong to one caller at a time.
class StreamedContent final : public CheckedContent {
public:
    StreamedContent(const Object& object, PieceReader reader, const ltx::CodecSet& codecs);
    ~StreamedContent() override;

    std::optional<std::uint64_t> size() const override { return object_.size; }
    ConstBytes next() override;
    void rewind() override;
    std::optional<Timestamp> timestamp() override;
    std::optional<Error> failure() const override;

private:
    using Piece = std::vector<std::byte>;

    void start();
    void stop() noexcept;
    void produce();
    std::size_t feed(MutableBytes into);
    void fetch();
    Piece takeSpare();

    const Object object_;
    const PieceReader reader_;
    const ltx::CodecSet& codecs_;
    std::thread thread_;

    // of the thread alone
    std::uint64_t offset_ = 0;
    Piece current_;
    std::size_t used_ = 0;

    Piece sent_;  // of the caller alone: what the last next() returned

    mutable std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    std::deque<Piece> ready_;
    std::vector<Piece> spare_;
    std::optional<Timestamp> timestamp_;
    std::optional<Error> failure_;
    bool begun_ = false;
    bool ended_ = false;
    bool stopping_ = false;
};

}  // namespace litestream::migrate
