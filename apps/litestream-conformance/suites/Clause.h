#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace litestream::conformance {

/// One clause of a contract: a test, and the sentence of a header that it holds a plugin to.
struct Clause {
    std::string suite;     ///< "TransportSuite"
    std::string name;      ///< "GetReadsEveryRange", unique in the whole kit
    std::string header;    ///< "Transport.h", below <litestream/>
    std::string sentence;  ///< word for word as it stands there
};

/// Every clause of the suites that are linked.
const std::vector<Clause>& clauses();

bool declareClause(Clause clause);

/// A TEST_P that is a clause:
///
///     LITESTREAM_CLAUSE(TransportSuite, GetBehindTheEndGivesNothing, "Transport.h",
///                       "An offset at or behind the end gives 0.") {
///         ...
///     }
#define LITESTREAM_CLAUSE(SUITE, NAME, HEADER, SENTENCE)                             \
    static const bool SUITE##NAME##IsDeclared =                                      \
        ::litestream::conformance::declareClause({#SUITE, #NAME, HEADER, SENTENCE}); \
    static_assert(sizeof(SUITE##NAME##IsDeclared) > 0);                              \
    TEST_P(SUITE, NAME)

}  // namespace litestream::conformance
