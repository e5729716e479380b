#pragma once

#include "ltx/Format.h"
#include "util/FileIo.h"

#include <litestream/Types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <vector>

namespace litestream::ltx {

/// The frames of a file that is being written, until its page index can be: two or three bytes each. Beyond kMostInMemory they go to an unnamed file in
/// a directory. Where there is none, or no space in it, they stay in memory: a snapshot of 34 million pages then takes 70 MB, and does not fail.
///
/// Not thread-safe. Movable.
class FrameList {
public:
    static constexpr std::size_t kMostInMemory = 1u << 20;  ///< bytes

    /// An empty `scratch` keeps everything in memory.
    explicit FrameList(std::filesystem::path scratch = {}) : scratch_(std::move(scratch)) {}

    /// The frames of ascending pages, `size` bytes each, in the order in which they stand in the file.
    void add(PageNumber page, std::uint64_t size);

    /// After the last add(): appends the next entries of the page index to `index`, some ten thousand; false when there are no more.
    /// Throws Error when they cannot be read back.
    bool take(std::vector<std::byte>& index);

private:
    bool spill();
    bool refill();

    std::filesystem::path scratch_;
    std::deque<std::vector<std::byte>> blocks_;  ///< what is not in the file, in order; all but the last one are full
    FileDescriptor file_;
    std::uint64_t spilled_ = 0;  ///< bytes in the file
    PageNumber last_ = 0;

    // take():
    std::uint64_t read_ = 0;  ///< of the file
    std::vector<std::byte> rest_;  ///< read and not taken
    std::size_t taken_ = 0;        ///< of `rest_`
    PageNumber page_ = 0;
    std::uint64_t offset_ = kHeaderSize;
};

}  // namespace litestream::ltx
