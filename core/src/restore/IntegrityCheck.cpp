#include "restore/IntegrityCheck.h"

#include <litestream/Error.h>

#include <string>
#include <vector>

#include <Poco/Data/RecordSet.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <Poco/Exception.h>
#include <Poco/URI.h>
#include <sqlite3.h>

namespace litestream::restore {
namespace {

constexpr std::size_t kShownFindings = 10;

/// A database in WAL mode wants a log and shared memory beside it even for reading, unless it is declared immutable.
std::string immutableUri(const std::filesystem::path& database) {
    std::string escaped;
    Poco::URI::encode(std::filesystem::absolute(database).string(), "?#%", escaped);
    return "file:" + escaped + "?mode=ro&immutable=1";
}

std::string findings(Poco::Data::Session& session, const char* pragma) {
    Poco::Data::Statement statement(session);
    statement << pragma;
    statement.execute();
    Poco::Data::RecordSet rows(statement);
    std::string text;
    for (std::size_t row = 0; row < rows.rowCount() && row < kShownFindings; ++row) {
        if (row != 0) text += "; ";
        text += rows.value(0, row).convert<std::string>();
    }
    return text;
}

}  // namespace

void checkIntegrity(const std::filesystem::path& database, IntegrityCheck kind, const CancellationToken& cancellation) {
    if (kind == IntegrityCheck::None) return;
    const char* pragma = kind == IntegrityCheck::Quick ? "PRAGMA quick_check" : "PRAGMA integrity_check";
    std::string answer;
    try {
        Poco::Data::SQLite::Connector::registerConnector();
        Poco::Data::Session session(Poco::Data::SQLite::Connector::KEY, immutableUri(database));
        sqlite3* handle = Poco::Data::SQLite::Utility::dbHandle(session);
        const auto registration = cancellation.onCancel([handle] { sqlite3_interrupt(handle); });
        answer = findings(session, pragma);
    } catch (const Poco::Exception& error) {
        answer = error.displayText();
    }
    if (cancellation.cancelled()) throw Error(ErrorCode::Cancelled, "post-restore integrity check: cancelled");
    if (answer != "ok") throw Error(ErrorCode::Corrupt, "post-restore integrity check: integrity check failed: " + answer);
}

}  // namespace litestream::restore
