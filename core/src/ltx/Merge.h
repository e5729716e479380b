#pragma once

#include "ltx/Decoder.h"
#include "ltx/Encoder.h"

#include <vector>

namespace litestream::ltx {

/// Merges consecutive files, given in TXID order, into one: every page in its newest version, none beyond the last commit. Inputs may overlap;
/// a gap, a file that brings nothing new or another page size is Error(InvalidArgument). Streams: holds one page per input.
/// All inputs are read to their end, so each one's checksum has been verified when this returns.
Encoder::Result merge(std::vector<Decoder>& inputs, ByteSink& output, const Codec& codec);

}  // namespace litestream::ltx
