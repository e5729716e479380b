#pragma once

#include "litestream-conformance/Verdict.h"

#include <litestream/Plugin.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace litestream::conformance {

/// The clauses for plugins of this kind, whose suites begin with its name ("TransportSuite", "TransportListing"), and whose name matches `filter`.
std::vector<Clause> clausesOf(PluginKind kind, const std::string& filter);

/// Runs each clause's test in a process of its own; InitGoogleTest() was called. `tell` gets each verdict as it falls; the last word is in what
/// is returned, because one clause may find what is another's matter.
std::vector<Verdict> judge(const std::vector<Clause>& clauses, std::chrono::nanoseconds limit,
                           const std::function<void(const Verdict&)>& tell);

}  // namespace litestream::conformance
