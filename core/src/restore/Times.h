#pragma once

#include "restore/Plan.h"

namespace litestream::restore {

/// The same plan for a store whose listings do not tell the time of a file (capabilities().listsTimestamp): where a time is wanted, it
/// asks for the exact time of every file that the plan is made of, and of those that are in question for a place in it, with
/// at most `parallelism` requests at once. Elsewhere this is plan() and makes no request.
///
/// The times in the result are exact. Nothing is concluded from the order of times: clocks are set back. Errors as plan(), and those of
/// Transport::head.
std::vector<replica::FileInfo> planExactly(replica::ReplicaStore& store, std::vector<replica::FileInfo> files, const Target& target,
                                           unsigned parallelism, const CancellationToken& cancellation = {});

/// Asks the store for the exact time of a file whose listing does not tell it; elsewhere the one at hand. Error(NotFound) if it is gone.
Timestamp exactTime(replica::ReplicaStore& store, const replica::FileInfo& file, const CallContext& context);

}  // namespace litestream::restore
