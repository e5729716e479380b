#pragma once

#include "litestream-conformance/Verdict.h"
#include "plugin/Registry.h"

#include <ostream>
#include <string>
#include <vector>

namespace litestream::conformance {

/// Everything that a run has found.
struct Report {
    plugin::LoadedPlugin plugin;
    std::string description{};  ///< of a transport's root
    std::vector<Verdict> verdicts{};
    std::vector<Measurement> speed{};
    std::string leftBehind{};  ///< empty when everything was tidied up

    std::size_t count(Verdict::State state) const;
    bool passed() const;
};

/// Who is judged, before the first verdict.
void printHeading(std::ostream& out, const Report& report);
/// One line.
void printVerdict(std::ostream& out, const Verdict& verdict);
/// What is wrong, clause by clause, in words; the speed; the sum.
void printFindings(std::ostream& out, const Report& report);

void printJson(std::ostream& out, const Report& report);

/// Clauses with their sentences, without a plugin.
void printClauses(std::ostream& out, const std::vector<Clause>& clauses, bool json);

}  // namespace litestream::conformance
