#pragma once

#include "levels/Inventory.h"
#include "levels/Settings.h"

#include <litestream/Call.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace litestream::levels {

/// A state to be restored for a trial.
struct Trial {
    Txid txid;
    std::vector<replica::FileInfo> files;  ///< in the order of merging
    std::optional<std::uint64_t> digest;   ///< that it has to have, where it is known
    bool newest = false;
};
/// The newest state, or one that retention promises: where a file of a level ends, the one at `fraction` (0 to 1) of those. Nothing = there is none.
std::optional<Trial> chooseTrial(const Inventory& inventory, const Settings& settings, Clock::time_point now, bool newest, double fraction);

/// How a trial ended that found no fault.
struct TrialEnd {
    enum class Outcome {
        Sound,
        Busy,     ///< another one is running in this process: try again
        Skipped,  ///< too large, or too little space; `reason` says so
    };
    Outcome outcome = Outcome::Sound;
    std::string reason;
};

/// Restores a state into `file`, has it checked by SQLite, compares its digest, and removes the file. Blocks for as long as all that takes; one trial at a time in
/// the process. Throws DigestError, Error(Corrupt), and what restore throws. Error(Unsupported) when the state is what it has to be and SQLite finds fault
/// with it: then the database is damaged, and the replica is true to it.
TrialEnd tryRestore(replica::ReplicaStore& store, const ltx::CodecSet& codecs, const Trial& trial, const Settings::VerifyRestore& settings,
                    const std::filesystem::path& file, const CancellationToken& cancellation);

/// Removes what a trial left that did not come to its end.
void removeTrial(const std::filesystem::path& file) noexcept;

}  // namespace litestream::levels
