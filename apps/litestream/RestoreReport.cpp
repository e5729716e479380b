#include "litestream/RestoreReport.h"

#include "util/Json.h"
#include "util/Table.h"
#include "util/Time.h"
#include "util/Units.h"

#include <unistd.h>
#include <algorithm>
#include <iostream>

namespace litestream::cli {
namespace {

/// Lowest and highest TXID that the files bring.
ltx::TxidRange rangeOf(const std::vector<replica::FileInfo>& files) {
    ltx::TxidRange range{files.front().id.range};
    for (const replica::FileInfo& file : files) {
        range.min = std::min(range.min, file.id.range.min);
        range.max = std::max(range.max, file.id.range.max);
    }
    return range;
}

}  // namespace

void printPlan(const PlanReport& plan) {
    const ltx::TxidRange range = rangeOf(plan.files);
    std::cout << "Restore plan:\n  source: " << plan.source << "\n  target: " << plan.output.string()
              << "\n  replica: " << plan.replicaType << "\n  txid range: " << ltx::format(range.min) << " - "
              << ltx::format(range.max) << "\n\nFiles to fetch:\n";
    Table table({"level", "file", "min_txid", "max_txid", "size", "timestamp"});
    for (const replica::FileInfo& file : plan.files) {
        table.add({std::to_string(file.id.level.value), ltx::fileName(file.id.range), ltx::format(file.id.range.min),
                   ltx::format(file.id.range.max), std::to_string(file.size), formatRfc3339(file.timestamp)});
    }
    table.print(std::cout);
}

void printPlanJson(const PlanReport& plan) {
    const ltx::TxidRange range = rangeOf(plan.files);
    Json files = Json::array();
    for (const replica::FileInfo& file : plan.files) {
        files.add(Json::object({{"level", file.id.level.value},
                                {"name", ltx::fileName(file.id.range)},
                                {"min_txid", ltx::format(file.id.range.min)},
                                {"max_txid", ltx::format(file.id.range.max)},
                                {"size", file.size},
                                {"timestamp", formatRfc3339(file.timestamp)}}));
    }
    std::cout << Json::object({{"source", plan.source},
                               {"target_path", plan.output.string()},
                               {"replica", plan.replicaType},
                               {"min_txid", ltx::format(range.min)},
                               {"max_txid", ltx::format(range.max)},
                               {"files", std::move(files)}})
                     .text();
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (terminal_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressLine::show(const restore::Progress& progress) {
    if (!terminal_ || progress.totalBytes == 0) return;
    const std::lock_guard lock(mutex_);
    std::cerr << "\r\033[Krestoring: " << progress.doneBytes * 100 / progress.totalBytes << "% ("
              << formatSize(progress.doneBytes) << " of " << formatSize(progress.totalBytes) << ")" << std::flush;
}

}  // namespace litestream::cli
