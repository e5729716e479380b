#include "litestream-migrate/Summary.h"

#include "util/Json.h"
#include "util/Table.h"
#include "util/Units.h"

#include <iostream>

namespace litestream::migrate_app {
namespace {

std::string shown(const std::string& root) { return root.empty() ? "." : root.substr(0, root.size() - 1); }

Json complaintsJson(const std::vector<migrate::Complaint>& complaints) {
    Json list = Json::array();
    for (const migrate::Complaint& complaint : complaints) list.add(Json::object({{"key", complaint.key}, {"error", complaint.reason}}));
    return list;
}

/// What a dry run does with an object: "copy", "compare" or "delete".
struct Deed {
    const char* name;
    std::string key;
    std::uint64_t size;
};

std::vector<Deed> deedsOf(const Intention& intention, LayoutFamily destination, bool deleteExtra) {
    std::vector<Deed> deeds;
    for (const migrate::Step& step : intention.preview.steps) {
        deeds.push_back({"copy", intention.root + keyOf(step.object.id, destination), step.object.size});
    }
    for (const migrate::Object& object : intention.preview.present) {
        deeds.push_back({"compare", intention.root + keyOf(object.id, destination), object.size});
    }
    if (!deleteExtra) return deeds;
    for (const migrate::Object& object : intention.preview.extra) deeds.push_back({"delete", intention.root + object.key(), object.size});
    return deeds;
}

}  // namespace

void printSummary(const std::vector<Outcome>& outcomes) {
    Table table({"replica", "copied", "skipped", "verified", "refused", "failed", "deleted", "size"});
    for (const Outcome& outcome : outcomes) {
        const migrate::Report& report = outcome.report;
        table.add({shown(outcome.root), std::to_string(report.copied), std::to_string(report.skipped), std::to_string(report.verified),
                   std::to_string(report.refused.size()), std::to_string(report.failed.size()), std::to_string(report.deleted),
                   formatSize(report.copiedBytes)});
    }
    table.print(std::cout);
    const auto list = [](const char* word, const std::string& root, const std::vector<migrate::Complaint>& complaints) {
        for (const migrate::Complaint& complaint : complaints) {
            std::cout << word << ": " << root << complaint.key << ": " << complaint.reason << "\n";
        }
    };
    for (const Outcome& outcome : outcomes) {
        list("refused", outcome.root, outcome.report.refused);
        list("failed", outcome.root, outcome.report.failed);
    }
}

void printSummaryJson(const std::vector<Outcome>& outcomes, const std::string& result) {
    Json replicas = Json::array();
    for (const Outcome& outcome : outcomes) {
        const migrate::Report& report = outcome.report;
        replicas.add(Json::object({{"replica", shown(outcome.root)},
                                   {"copied", report.copied},
                                   {"copied_bytes", report.copiedBytes},
                                   {"skipped", report.skipped},
                                   {"verified", report.verified},
                                   {"deleted", report.deleted},
                                   {"unknown", report.unknown},
                                   {"refused", complaintsJson(report.refused)},
                                   {"failed", complaintsJson(report.failed)}}));
    }
    std::cout << Json::object({{"result", result}, {"replicas", std::move(replicas)}}).text();
}

void printIntentions(const std::vector<Intention>& intentions, LayoutFamily destination, bool deleteExtra) {
    Table table({"action", "key", "size"});
    for (const Intention& intention : intentions) {
        for (const Deed& deed : deedsOf(intention, destination, deleteExtra)) table.add({deed.name, deed.key, std::to_string(deed.size)});
    }
    table.print(std::cout);
}

void printIntentionsJson(const std::vector<Intention>& intentions, LayoutFamily destination, bool deleteExtra) {
    Json list = Json::array();
    for (const Intention& intention : intentions) {
        for (const Deed& deed : deedsOf(intention, destination, deleteExtra)) {
            list.add(Json::object({{"action", deed.name}, {"key", deed.key}, {"size", deed.size}}));
        }
    }
    std::cout << list.text();
}

}  // namespace litestream::migrate_app
