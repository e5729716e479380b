#pragma once

#include "litestream-conformance/Request.h"
#include "litestream-conformance/suites/CodecSuite.h"
#include "litestream-conformance/suites/SourceSuite.h"
#include "litestream-conformance/suites/TransportSuite.h"
#include "plugin/Registry.h"

#include <memory>
#include <string>

namespace litestream::conformance {

/// The plugin that is judged, found as every program finds it and opened without the guard that would hide its faults.
class Subject {
public:
    /// Throws Error when there is no such plugin or it has no such option.
    explicit Subject(const Request& request);

    const plugin::LoadedPlugin& plugin() const noexcept { return *plugin_; }

    TransportCandidate transport() const;
    CodecCandidate codec() const;
    SourceCandidate source() const;

    /// Opens it once, in a process of its own, and tries the simplest thing with it. Returns what it says about itself, for the report; empty
    /// when it misbehaved so that only the clauses can tell. Throws Error when it cannot be used at all: a wrong option, a store that refuses.
    std::string probe();

    /// What the clauses may have left behind. Returns what to tell about it; empty when nothing is left.
    std::string tidyUp() const;

private:
    OptionValues values() const;
    std::shared_ptr<Transport> openTransport() const;

    const Request& request_;
    const std::unique_ptr<plugin::Registry> registry_;
    std::string findJournalMode() const;

    const plugin::LoadedPlugin* plugin_;
    const std::string root_;   ///< of a transport's objects or a source's databases: a name that nobody else has
    std::string journalMode_;  ///< of a source's databases
};

/// What the suites are instantiated with: filled before InitGoogleTest().
struct Candidates {
    std::vector<TransportCandidate> transports;
    std::vector<CodecCandidate> codecs;
    std::vector<SourceCandidate> sources;
};
Candidates& candidates();

}  // namespace litestream::conformance
