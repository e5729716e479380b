#include "litestream-conformance/Judge.h"

#include "litestream-conformance/Child.h"
#include "litestream-conformance/ReportListener.h"
#include "plugin/Registry.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <tuple>

namespace litestream::conformance {

namespace {

constexpr std::size_t kMostKept = 20;

/// The clause that a foreign exception breaks, wherever it is met.
bool isAboutErrors(const Clause& clause) {
    return clause.name.find("ThrowsNothingButErrors") != std::string::npos;
}

bool matches(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern[0] == '*')
        return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
    return !text.empty() && pattern[0] == text[0] && matches(pattern.substr(1), text.substr(1));
}

bool matchesAny(std::string_view patterns, std::string_view text) {
    while (!patterns.empty()) {
        const std::size_t colon = std::min(patterns.find(':'), patterns.size());
        if (matches(patterns.substr(0, colon), text)) return true;
        patterns.remove_prefix(std::min(colon + 1, patterns.size()));
    }
    return false;
}

void runTest(const Clause& clause, RecordWriter& writer) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new ReportListener(writer));  // GTest owns it
    testing::GTEST_FLAG(filter) = "*/" + clause.suite + "." + clause.name + "/*";
    const int failed = RUN_ALL_TESTS();  // the listener has told why
    if (failed == 0 && testing::UnitTest::GetInstance()->test_to_run_count() != 1)
        throw std::runtime_error("the clause has no test");
}

void note(Verdict& verdict, Observation observation) {
    verdict.state = Verdict::State::Violated;
    ++verdict.count;
    if (verdict.observations.size() < kMostKept) verdict.observations.push_back(std::move(observation));
}

Verdict verdictOf(const Clause& clause, const ChildResult& result, std::vector<Observation>& foreign) {
    Verdict verdict{.clause = clause};
    bool metForeign = false;
    for (const Record& record : result.records) {
        if (record[0] == "skipped") {
            verdict.state = Verdict::State::NotPromised;
            verdict.reason = record[1];
        } else if (record[0] == "foreign") {
            foreign.push_back({record[1], "threw " + record[2], "litestream::Error or nothing"});
            metForeign = true;
        } else if (record[0] == "observation") {
            note(verdict, {record[1], record[2], record[3]});
        } else {
            note(verdict, {"run the test", record[1], "an end without an exception"});
        }
    }
    if (!result.mishap.empty()) note(verdict, {result.lastOperation, result.mishap, "an answer"});
    if (metForeign && verdict.state == Verdict::State::Kept) {
        verdict.state = Verdict::State::NotJudged;
        verdict.reason = "the plugin threw something that is no litestream::Error";
    }
    return verdict;
}

}  // namespace

std::vector<Clause> clausesOf(PluginKind pluginKind, const std::string& filter) {
    std::string kind(plugin::kindName(pluginKind));
    kind[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(kind[0])));
    std::vector<Clause> chosen;
    for (const Clause& clause : clauses()) {
        if (clause.suite.starts_with(kind) && (filter.empty() || matchesAny(filter, clause.name)))
            chosen.push_back(clause);
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](const Clause& a, const Clause& b) {
        return std::tie(a.suite, a.name) < std::tie(b.suite, b.name);
    });
    // Last, so that it knows what the others met.
    std::stable_partition(chosen.begin(), chosen.end(), [](const Clause& clause) { return !isAboutErrors(clause); });
    return chosen;
}

std::vector<Verdict> judge(const std::vector<Clause>& clauses, std::chrono::nanoseconds limit,
                           const std::function<void(const Verdict&)>& tell) {
    std::vector<Verdict> verdicts;
    std::vector<Observation> foreign;
    for (const Clause& clause : clauses) {
        const ChildResult result = inChild(limit, [&](RecordWriter& writer) { runTest(clause, writer); });
        Verdict verdict = verdictOf(clause, result, foreign);
        if (isAboutErrors(clause)) {
            for (const Observation& observation : foreign) note(verdict, observation);
            foreign.clear();
        }
        tell(verdict);
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

}  // namespace litestream::conformance
