#include "DatabaseClient.h"

#include <sqlite3.h>

#include <iostream>
#include <memory>
#include <string>

namespace litestream::conformance {

namespace {

using Answer = DatabaseClient::Answer;

int keepFirstColumn(void* text, int count, char** values, char**) {
    *static_cast<std::string*>(text) = count > 0 && values[0] != nullptr ? values[0] : "";
    return 0;
}

Answer run(sqlite3* database, const std::string& script) {
    Answer answer;
    answer.rc = sqlite3_exec(database, script.c_str(), &keepFirstColumn, &answer.text, nullptr);
    if (answer.rc != SQLITE_OK) answer.text = sqlite3_errmsg(database);
    return answer;
}

Answer image(sqlite3* database) {
    if (Answer failed = run(database, "BEGIN; SELECT count(*) FROM sqlite_master"); failed.rc != SQLITE_OK) {
        run(database, "ROLLBACK");
        return failed;
    }
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> bytes(sqlite3_serialize(database, "main", &size, 0),
                                                                        &sqlite3_free);
    run(database, "COMMIT");
    if (bytes == nullptr && size > 0) return {SQLITE_NOMEM, "the database cannot be read as a whole"};
    return {SQLITE_OK, std::string(reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size))};
}

}  // namespace

int serveDatabase(const std::filesystem::path& path) {
    sqlite3* opened = nullptr;
    const int rc = sqlite3_open(path.c_str(), &opened);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
    if (rc != SQLITE_OK) return 1;
    std::string line;
    while (std::getline(std::cin, line)) {
        const Answer answer = line == "image" ? image(opened) : run(opened, line);
        std::cout << answer.rc << ' ' << answer.text.size() << '\n' << answer.text << std::flush;
    }
    return 0;
}

}  // namespace litestream::conformance
