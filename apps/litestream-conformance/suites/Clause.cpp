#include "Clause.h"

#include <utility>

namespace litestream::conformance {

namespace {

/// Filled before main(), in whatever order the linker chose: hence no global of its own.
std::vector<Clause>& declared() {
    static std::vector<Clause> all;
    return all;
}

}  // namespace

const std::vector<Clause>& clauses() {
    return declared();
}

bool declareClause(Clause clause) {
    declared().push_back(std::move(clause));
    return true;
}

}  // namespace litestream::conformance
