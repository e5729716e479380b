#include "util/Log.h"
#include "util/LogFormat.h"

#include <gtest/gtest.h>

#include <sstream>
#include <thread>
#include <vector>

namespace litestream::log {
namespace {

using namespace std::chrono_literals;

const auto kTime = std::chrono::system_clock::time_point(std::chrono::milliseconds(1767323045678));

std::string line(Format format, Level level, std::string_view message, const std::vector<Attribute>& attributes = {},
                 std::chrono::seconds zone = 0s) {
    return formatLine(format, kTime, zone, level, message, attributes.data(), attributes.size());
}

TEST(Log, WritesTextLines) {
    EXPECT_EQ(
        line(Format::Text, Level::Info, "replicating to",
             {{"type", "file"}, {"sync-interval", 1s}, {"path", "/back up"}}),
        R"(time=2026-01-02T03:04:05.678Z level=INFO msg="replicating to" type=file sync-interval=1s path="/back up")");
    EXPECT_EQ(
        line(Format::Text, Level::Error, "litestream",
             {{"n", -1}, {"u", UINT64_MAX}, {"ok", true}, {"x", 1.5}, {"region", ""}}),
        R"(time=2026-01-02T03:04:05.678Z level=ERROR msg=litestream n=-1 u=18446744073709551615 ok=true x=1.5 region="")");
}

TEST(Log, WritesJsonLines) {
    EXPECT_EQ(
        line(Format::Json, Level::Warn, "a \"b\" <c>",
             {{"type", "file"}, {"sync-interval", 1s}, {"n", -1}, {"ok", false}}),
        R"({"time":"2026-01-02T03:04:05.678Z","level":"WARN","msg":"a \"b\" <c>","type":"file","sync-interval":1000000000,"n":-1,"ok":false})");
}

TEST(Log, WritesTheLocalZone) {
    EXPECT_EQ(line(Format::Text, Level::Debug, "m", {}, 2h), "time=2026-01-02T05:04:05.678+02:00 level=DEBUG msg=m");
    EXPECT_EQ(line(Format::Text, Level::Trace, "m", {}, -(5h + 30min)),
              "time=2026-01-01T21:34:05.678-05:30 level=TRACE msg=m");
}

TEST(Log, OneLinePerRecordWhateverTheTextIs) {
    EXPECT_EQ(line(Format::Text, Level::Info, "a\nb", {{"error", "x\ty"}}),
              R"(time=2026-01-02T03:04:05.678Z level=INFO msg="a\nb" error="x\ty")");
}

TEST(Log, KeepsBackTheLevelsBelowTheOneThatIsSet) {
    configure({.level = Level::Warn});
    EXPECT_FALSE(enabled(Level::Info));
    EXPECT_TRUE(enabled(Level::Warn));
    testing::internal::CaptureStdout();
    info("not this");
    warn("but this");
    const std::string out = testing::internal::GetCapturedStdout();
    configure({});
    EXPECT_EQ(out.find("not this"), std::string::npos);
    EXPECT_NE(out.find("level=WARN msg=\"but this\"\n"), std::string::npos) << out;
}

TEST(Log, LinesOfManyThreadsStayWhole) {
    testing::internal::CaptureStdout();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([] {
            for (int i = 0; i < 250; ++i) info("whole", {{"tail", "end"}});
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::istringstream out(testing::internal::GetCapturedStdout());
    int count = 0;
    for (std::string text; std::getline(out, text); ++count) {
        ASSERT_TRUE(text.starts_with("time=") && text.ends_with("msg=whole tail=end")) << text;
    }
    EXPECT_EQ(count, 1000);
}

}  // namespace
}  // namespace litestream::log
