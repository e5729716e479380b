#pragma once

#include "levels/Inventory.h"
#include "levels/MergedBody.h"

#include <litestream/Call.h>

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace litestream::levels {

/// What a merge of files of the inventory has to find, as far as it is known.
Expected expectedOf(const Inventory& inventory, std::span<const replica::FileInfo> inputs);

/// Takes the page checksums of a state from page 1 on, a run of consecutive pages at a time, none left out; 0 stands for the lock page.
using SumsSink = std::function<void(PageNumber first, std::span<const std::uint64_t> sums)>;
/// Reads a state of a replica and gives its page checksums. Blocks. Throws Error.
using ReadState = std::function<void(const SumsSink& sink)>;

/// Reads the state that `files` make, in the order of merging. `store` outlives the reader.
ReadState readerOf(replica::ReplicaStore& store, const ltx::CodecSet& codecs, std::shared_ptr<const Codec> codec, std::vector<replica::FileInfo> files,
                   CancellationToken cancellation, std::filesystem::path scratch = {});

}  // namespace litestream::levels
