#pragma once

#include "litestream-conformance/suites/Clause.h"

#include <cstdint>
#include <string>
#include <vector>

namespace litestream::conformance {

/// One way in which a clause was not kept.
struct Observation {
    std::string done;
    std::string seen;
    std::string expected;
};

/// What became of one clause.
struct Verdict {
    enum class State {
        Kept,
        Violated,
        NotPromised,  ///< the plugin says itself that it cannot do this
        NotJudged,    ///< something that another clause names got in the way
    };
    Clause clause;
    State state = State::Kept;
    std::vector<Observation> observations{};  ///< the first of them
    std::size_t count = 0;                    ///< how many there were
    std::string reason{};                     ///< of NotPromised and NotJudged
};

/// How fast one operation is.
struct Measurement {
    std::string operation;  ///< "put 4 KiB"
    std::uint64_t calls = 0;
    std::uint64_t medianNanoseconds = 0;
    std::uint64_t bytesPerSecond = 0;  ///< 0 where no bytes count
    std::uint64_t permille = 0;        ///< of the original size; 0 where that means nothing
};

}  // namespace litestream::conformance
