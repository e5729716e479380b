#pragma once

#include "ltx/Decoder.h"

namespace litestream::migrate {

/// Reads a whole file that must be exactly one LZ4 frame, as v0.3 writes them, and checks its structure, its checksums and that nothing follows. Needs
/// memory for two of the frame's blocks, which are 4 MiB at most. Throws Error(Corrupt); Error(Unsupported) for an encrypted one.
void checkLz4File(const ltx::ByteSource& source);

}  // namespace litestream::migrate
