#include "Fixture.h"

#include "WalPosition.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace litestream::test {

bool newGeneration(const Follower& follower, std::size_t index) {
    return sqlite::WalPosition::decode(follower.before.at(index))->salts !=
           sqlite::WalPosition::decode(follower.captures.at(index).position)->salts;
}

std::set<int> kernelLocks(const std::filesystem::path& database) {
    struct stat info {};
    std::set<int> bytes;
    if (::stat((database.string() + "-shm").c_str(), &info) != 0) return bytes;
    // 1: POSIX  ADVISORY  READ 1234 08:01:5678 123 123
    std::ifstream locks("/proc/locks");
    std::string line;
    while (std::getline(locks, line)) {
        std::istringstream words(line);
        std::string number, family, kind, access, process, file;
        int first = 0;
        int last = 0;
        words >> number >> family >> kind >> access >> process >> file >> first >> last;
        if (process != std::to_string(::getpid())) continue;
        if (file.substr(file.rfind(':') + 1) != std::to_string(info.st_ino)) continue;
        for (int byte = first; byte <= last && byte < 128; ++byte) bytes.insert(byte - 120);
    }
    return bytes;
}

std::set<int> claimedLocks(const Source& source) {
    const std::string guard = source.status().guard;
    const auto at = guard.find("READ", guard.find(" on "));
    if (at == std::string::npos) return {};
    return {3 + guard[at + 4] - '0'};
}

void SourceSqlite::expectMirrorIsDatabase(Follower& follower) {
    follower.captureAll();
    const auto outcome = follower.capture().outcome;
    EXPECT_EQ(outcome, Capture::Outcome::Unchanged);
    follower.source().detach();
    {
        App app(database);
        app.must("PRAGMA busy_timeout=5000");
        EXPECT_EQ(app.must("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
    }
    const auto content = readFile(database);
    const auto& copy = follower.mirror().content();
    ASSERT_EQ(content.size(), copy.size());
    EXPECT_TRUE(content == copy);
    const auto restored = directory / "restored.db";
    std::ofstream(restored, std::ios::binary)
        .write(reinterpret_cast<const char*>(copy.data()), static_cast<std::streamsize>(copy.size()));
    App check(restored);
    EXPECT_EQ(check.must("PRAGMA integrity_check"), "ok");
}

void SourceSqlite::expectGuardIsReal(Follower& follower) {
    EXPECT_EQ(kernelLocks(database), claimedLocks(follower.source())) << follower.source().status().guard;
}

std::string insertRows(int count) {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" + std::to_string(count) +
           ") INSERT INTO t(a) SELECT randomblob(500) FROM n";
}

}  // namespace litestream::test
