#include "Fixture.h"

#include <sys/stat.h>

#include <fstream>

namespace litestream::test {

std::map<std::string, FileTrace> traceOf(const std::filesystem::path& directory) {
    std::map<std::string, FileTrace> traces;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        struct stat info {};
        EXPECT_EQ(::stat(entry.path().c_str(), &info), 0);
        const auto nanoseconds = [](const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
        traces[entry.path().filename().string()] = {readFile(entry.path()), nanoseconds(info.st_mtim),
                                                    nanoseconds(info.st_ctim)};
    }
    return traces;
}

void SourceJournal::expectMirrorIsDatabase(Follower& follower) {
    follower.captureAll();
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Unchanged);
    const auto content = readFile(database);
    const auto& copy = follower.mirror().content();
    ASSERT_EQ(content.size(), copy.size());
    EXPECT_TRUE(content == copy);
}

std::string SourceJournal::askMirror(Follower& follower, const std::string& sql) {
    const auto copy = copies_ / "copy.db";
    const auto& content = follower.mirror().content();
    std::ofstream(copy, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    App app(copy);
    return app.must(sql);
}

std::string create(const std::string& mode) {
    return "PRAGMA journal_mode=" + mode + "; CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)";
}

std::string insertRows(int count) {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" + std::to_string(count) +
           ") INSERT INTO t(a) SELECT randomblob(500) FROM n";
}

}  // namespace litestream::test
