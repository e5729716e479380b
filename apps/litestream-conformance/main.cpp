/// litestream-conformance judges a plugin: the clauses of its contract are the tests in suites/, each one runs in a process of its own (Judge.cpp),
/// and what they find is told in words (Report.cpp).

#include "common/Setup.h"
#include "litestream-conformance/Child.h"
#include "litestream-conformance/Judge.h"
#include "litestream-conformance/Report.h"
#include "litestream-conformance/Request.h"
#include "litestream-conformance/Speed.h"
#include "litestream-conformance/Subject.h"
#include "util/GoFlags.h"
#include "util/Log.h"

#include <gtest/gtest.h>

#include <array>
#include <iostream>

namespace {

using namespace litestream;
using namespace litestream::conformance;

enum ExitCode { kPassed = 0, kViolations = 1, kUnusable = 2, kInterrupted = 130 };

void initialiseSuites(const Subject& subject) {
    if (subject.plugin().kind == PluginKind::Transport) candidates().transports.push_back(subject.transport());
    if (subject.plugin().kind == PluginKind::Codec) candidates().codecs.push_back(subject.codec());
    if (subject.plugin().kind == PluginKind::Source) candidates().sources.push_back(subject.source());
    int count = 1;
    std::string name = "litestream-conformance";
    std::array<char*, 2> arguments{name.data(), nullptr};
    testing::InitGoogleTest(&count, arguments.data());
}

/// What is found so far is worth telling even when the rest is not wanted any more.
void judgeAndMeasure(const Request& request, const Subject& subject, const std::vector<Clause>& chosen,
                     Report& report) {
    const auto tell = [&](const Verdict& verdict) {
        if (!request.json) printVerdict(std::cout, verdict);
    };
    report.verdicts = judge(chosen, request.limit, tell);
    if (request.speed) report.speed = measureSpeed(subject, request.limit);
}

int run(const Request& request) {
    if (request.listOnly) {
        std::vector<Clause> all;
        for (const PluginKind kind : {PluginKind::Transport, PluginKind::Codec, PluginKind::Source}) {
            if (request.kind && *request.kind != kind) continue;
            const auto some = clausesOf(kind, request.filter);
            all.insert(all.end(), some.begin(), some.end());
        }
        printClauses(std::cout, all, request.json);
        return kPassed;
    }
    Subject subject(request);
    const auto chosen = clausesOf(subject.plugin().kind, request.filter);
    if (chosen.empty()) throw UsageError("no clause matches \"" + request.filter + "\"");
    watchForInterruption();
    Report report{.plugin = subject.plugin()};
    try {
        report.description = subject.probe();
        if (!request.json) printHeading(std::cout, report);
        initialiseSuites(subject);
        judgeAndMeasure(request, subject, chosen, report);
    } catch (const Error&) {
        subject.tidyUp();  // a source's directory, or a first object
        throw;
    } catch (const Interrupted&) {
        report.leftBehind = subject.tidyUp();
        std::cerr << "interrupted\n" << (report.leftBehind.empty() ? "" : report.leftBehind + "\n");
        return kInterrupted;
    }
    report.leftBehind = subject.tidyUp();
    request.json ? printJson(std::cout, report) : printFindings(std::cout, report);
    return report.passed() ? kPassed : kViolations;
}

int unusable(const std::string& text) {
    std::cerr << "Error: " << text << "\n";
    return kUnusable;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    if (arguments.size() == 2 && arguments[0] == kDatabaseClientArgument) return serveDatabase(arguments[1]);
    log::configure({.level = log::Level::Error, .toStderr = true});
    try {
        app::adoptCredentials();
        return run(parseRequest(arguments));
    } catch (const flags::HelpRequested&) {
        return kPassed;
    } catch (const UsageError& error) {
        unusable(error.what());
        std::cerr << "Try: litestream-conformance --help\n";
        return kUnusable;
    } catch (const std::exception& error) {
        return unusable(error.what());
    }
}
