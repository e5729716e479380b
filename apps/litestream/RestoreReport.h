#pragma once

#include "litestream/ReplicaTarget.h"
#include "restore/Restore.h"

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

/// What `litestream restore` shows.
namespace litestream::cli {

/// Everything that the plan of a restore says.
struct PlanReport {
    std::string source;  ///< as given on the command line
    std::filesystem::path output;
    std::string replicaType;
    const std::vector<replica::FileInfo>& files;
};

void printPlan(const PlanReport& plan);
void printPlanJson(const PlanReport& plan);

/// One line on the terminal that is rewritten while a restore goes on, and wiped at the end. Nothing when stderr is no
/// terminal.
class ProgressLine {
public:
    ProgressLine();
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const restore::Progress& progress);

private:
    const bool terminal_;
    std::mutex mutex_;  ///< one writer at a time
};

}  // namespace litestream::cli
