#include "litestream-conformance/Report.h"

#include "util/Json.h"
#include "util/Table.h"
#include "util/Units.h"

#include <algorithm>

namespace litestream::conformance {

namespace {

constexpr std::size_t kMostShown = 3;
constexpr std::size_t kWidth = 100;

const char* word(Verdict::State state) {
    switch (state) {
        case Verdict::State::Kept:
            return "kept";
        case Verdict::State::Violated:
            return "VIOLATED";
        case Verdict::State::NotPromised:
            return "not promised";
        case Verdict::State::NotJudged:
            break;
    }
    return "NOT JUDGED";
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

/// `text` broken at blanks, with `indent` blanks before each line but the first.
std::string wrapped(const std::string& text, std::size_t indent) {
    std::string out;
    std::size_t column = indent;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::size_t length = end - at;
        if (column > indent && column + 1 + length > kWidth) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            out += ' ';
            ++column;
        }
        out += text.substr(at, length);
        column += length;
        at = end + 1;
    }
    return out;
}

void printViolation(std::ostream& out, const Verdict& verdict) {
    const Clause& clause = verdict.clause;
    out << "\n"
        << clause.name << " is violated. <litestream/" << clause.header << "> says:\n    \""
        << wrapped(clause.sentence, 5) << "\"\n";
    const std::size_t shown = std::min(kMostShown, verdict.observations.size());
    for (std::size_t i = 0; i < shown; ++i) {
        const Observation& observation = verdict.observations[i];
        out << "  done      " << wrapped(observation.done, 12) << "\n  seen      " << wrapped(observation.seen, 12)
            << "\n  expected  " << wrapped(observation.expected, 12) << "\n";
        if (i + 1 < shown) out << "\n";
    }
    if (verdict.count > shown) out << "  and " << verdict.count - shown << " more like this\n";
}

void printSpeed(std::ostream& out, const std::vector<Measurement>& speed) {
    if (speed.empty()) return;
    out << "\nSpeed, one call after the other:\n\n";
    Table table({"operation", "calls", "median", "throughput", "size"});
    for (const Measurement& one : speed) {
        table.add(
            {one.operation, std::to_string(one.calls), formatDuration(std::chrono::nanoseconds(one.medianNanoseconds)),
             one.bytesPerSecond == 0 ? "-" : formatSize(one.bytesPerSecond) + "/s",
             one.permille == 0 ? "-"
                               : std::to_string(one.permille / 10) + "." + std::to_string(one.permille % 10) + " %"});
    }
    table.print(out);
}

Json toJson(const Verdict& verdict) {
    Json observations = Json::array();
    for (const Observation& one : verdict.observations) {
        observations.add(Json::object({{"done", one.done}, {"seen", one.seen}, {"expected", one.expected}}));
    }
    return Json::object({{"clause", verdict.clause.name},
                         {"verdict", word(verdict.state)},
                         {"header", "litestream/" + verdict.clause.header},
                         {"sentence", verdict.clause.sentence},
                         {"reason", verdict.reason},
                         {"observed", verdict.count},
                         {"observations", std::move(observations)}});
}

}  // namespace

std::size_t Report::count(Verdict::State state) const {
    return static_cast<std::size_t>(std::count_if(verdicts.begin(), verdicts.end(),
                                                  [&](const Verdict& verdict) { return verdict.state == state; }));
}

bool Report::passed() const {
    return count(Verdict::State::Violated) == 0 && count(Verdict::State::NotJudged) == 0;
}

void printHeading(std::ostream& out, const Report& report) {
    const plugin::LoadedPlugin& plugin = report.plugin;
    out << plugin::kindName(plugin.kind) << " plugin \"" << plugin.name << "\" " << plugin.version << ", "
        << plugin.file.string() << "\n";
    if (!report.description.empty()) out << report.description << "\n";
    out << "\n";
}

void printVerdict(std::ostream& out, const Verdict& verdict) {
    out << padded(word(verdict.state), 14) << verdict.clause.name
        << (verdict.reason.empty() ? "" : " (" + verdict.reason + ")") << std::endl;
}

void printFindings(std::ostream& out, const Report& report) {
    for (const Verdict& verdict : report.verdicts) {
        if (verdict.state == Verdict::State::Violated) printViolation(out, verdict);
    }
    printSpeed(out, report.speed);
    out << "\n"
        << report.count(Verdict::State::Kept) << " clauses kept, " << report.count(Verdict::State::Violated)
        << " violated";
    if (const auto count = report.count(Verdict::State::NotPromised))
        out << ", " << count << " not promised by the plugin";
    if (const auto count = report.count(Verdict::State::NotJudged)) out << ", " << count << " not judged";
    out << "\n";
    if (!report.leftBehind.empty()) out << report.leftBehind << "\n";
    out << std::flush;
}

void printJson(std::ostream& out, const Report& report) {
    Json verdicts = Json::array();
    for (const Verdict& verdict : report.verdicts) verdicts.add(toJson(verdict));
    Json speed = Json::array();
    for (const Measurement& one : report.speed) {
        speed.add(Json::object({{"operation", one.operation},
                                {"calls", one.calls},
                                {"median_ns", one.medianNanoseconds},
                                {"bytes_per_second", one.bytesPerSecond},
                                {"size_permille", one.permille}}));
    }
    out << Json::object({{"kind", std::string(plugin::kindName(report.plugin.kind))},
                         {"name", report.plugin.name},
                         {"version", report.plugin.version},
                         {"file", report.plugin.file.string()},
                         {"description", report.description},
                         {"passed", report.passed()},
                         {"clauses", std::move(verdicts)},
                         {"speed", std::move(speed)},
                         {"left_behind", report.leftBehind}})
               .text()
        << std::flush;
}

void printClauses(std::ostream& out, const std::vector<Clause>& clauses, bool json) {
    Json list = Json::array();
    for (const Clause& clause : clauses) {
        if (json) {
            list.add(Json::object(
                {{"clause", clause.name}, {"header", "litestream/" + clause.header}, {"sentence", clause.sentence}}));
        } else {
            out << clause.name << "\n    <litestream/" << clause.header << "> \"" << clause.sentence << "\"\n";
        }
    }
    if (json) out << list.text();
}

}  // namespace litestream::conformance
