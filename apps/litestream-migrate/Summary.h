#pragma once

#include "migrate/Migration.h"

#include <string>
#include <vector>

/// What the program prints at its end.
namespace litestream::migrate_app {

/// One replica and what became of it.
struct Outcome {
    std::string root;  ///< below FROM and TO; empty = FROM itself
    migrate::Report report;
};

void printSummary(const std::vector<Outcome>& outcomes);
void printSummaryJson(const std::vector<Outcome>& outcomes, const std::string& result);

/// What a dry run found.
struct Intention {
    std::string root;
    migrate::Preview preview;
};

void printIntentions(const std::vector<Intention>& intentions, LayoutFamily destination, bool deleteExtra);
void printIntentionsJson(const std::vector<Intention>& intentions, LayoutFamily destination, bool deleteExtra);

}  // namespace litestream::migrate_app
