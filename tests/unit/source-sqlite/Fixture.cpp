#include "Fixture.h"

#include "WalPosition.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

extern "C" const litestream::PluginDescriptor litestream_plugin;

namespace litestream::test {

App::App(const std::filesystem::path& database) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::string program = SOURCE_SQLITE_APP;
    std::string argument = database.string();
    std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
    if (::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), environ) != 0) {
        throw std::runtime_error("spawn " + program);
    }
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_ = ::fdopen(in[1], "w");
    output_ = ::fdopen(out[0], "r");
}

void App::send(const std::string& line) {
    std::fputs((line + "\n").c_str(), input_);
    std::fflush(input_);
}

App::Answer App::receive() {
    char* line = nullptr;
    std::size_t size = 0;
    Answer answer;
    if (::getline(&line, &size, output_) > 0) {
        std::istringstream text(line);
        text >> answer.rc;
        text.get();
        std::getline(text, answer.text);
    }
    std::free(line);
    return answer;
}

App::Answer App::run(const std::string& script) {
    send(script);
    return receive();
}

std::string App::must(const std::string& script) {
    const Answer answer = run(script);
    EXPECT_EQ(answer.rc, 0) << script;
    return answer.text;
}

void App::close() {
    if (input_ != nullptr) std::fclose(std::exchange(input_, nullptr));
    if (process_ > 0) ::waitpid(std::exchange(process_, -1), nullptr, 0);
    if (output_ != nullptr) std::fclose(std::exchange(output_, nullptr));
}

void App::kill() {
    ::kill(process_, SIGKILL);
    close();
}

void Mirror::page(PageNumber number, ConstBytes content) {
    pending_[number].assign(content.begin(), content.end());
}

void Mirror::apply(std::uint32_t commit, std::uint32_t pageSize) {
    content_.resize(std::size_t{commit} * pageSize);
    for (const auto& [number, content] : pending_) {
        if (number <= commit)
            std::memcpy(content_.data() + std::size_t{number - 1} * pageSize, content.data(), pageSize);
    }
    pending_.clear();
}

void Mirror::take(Image& image) {
    pending_.clear();
    content_.resize(std::size_t{image.pageCount()} * image.pageSize());
    image.read(1, content_);
}

void Follower::TestHost::log(LogLevel, std::string_view message) {
    const std::lock_guard lock(mutex);
    lines.emplace_back(message);
}

std::vector<std::string> Follower::logged() const {
    const std::lock_guard lock(host_.mutex);
    return host_.lines;
}

Follower::Follower(std::filesystem::path database, std::map<std::string, std::string> options)
    : database_(std::move(database)),
      plugin_(static_cast<SourcePlugin*>(litestream_plugin.create(host_)), litestream_plugin.destroy) {
    OptionValues values;
    for (std::uint32_t i = 0; i < litestream_plugin.optionCount; ++i) {
        values.set(litestream_plugin.options[i].name, litestream_plugin.options[i].defaultValue);
    }
    for (const auto& [name, value] : options) values.set(name, value);
    auto wake = [this](Wake reason) {
        const std::lock_guard lock(mutex_);
        wakes_.insert(reason);
        woken_.notify_all();
    };
    source_ = plugin_->open({database_, wake}, values);
}

Attachment Follower::attach(bool resume) {
    attachment = source_->attach(resume ? &position : nullptr);
    if (attachment.outcome == Attachment::Outcome::Lost) repair();
    return attachment;
}

void Follower::repair() {
    const auto image = source_->image();
    mirror_.take(*image);
    attachment.pageSize = image->pageSize();
    position = image->position();
    source_->release(position);
}

Capture Follower::capture(std::uint64_t budget) {
    Capture result = source_->capture(budget, mirror_);
    switch (result.outcome) {
        case Capture::Outcome::Captured:
        case Capture::Outcome::More:
            mirror_.apply(result.commit, attachment.pageSize);
            newGenerations_.push_back(sqlite::WalPosition::decode(position)->salts !=
                                      sqlite::WalPosition::decode(result.position)->salts);
            position = result.position;
            source_->release(position);
            captures.push_back(result);
            break;
        case Capture::Outcome::Lost:
            ++losses;
            lastLoss = result.reason;
            mirror_.discard();
            repair();
            break;
        case Capture::Outcome::Unchanged:
        case Capture::Outcome::Detached:
            break;
    }
    return result;
}

void Follower::captureAll() {
    for (;;) {
        const auto outcome = capture().outcome;
        if (outcome == Capture::Outcome::Unchanged || outcome == Capture::Outcome::Detached) return;
    }
}

bool Follower::followUntil(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        bool woken = false;
        {
            std::unique_lock lock(mutex_);
            woken = woken_.wait_for(lock, 2ms, [this] { return !wakes_.empty(); });
            wakes_.clear();
        }
        if (woken) captureAll();
    }
    return true;
}

bool Follower::waitForWake(Wake reason, std::chrono::nanoseconds limit) {
    std::unique_lock lock(mutex_);
    return woken_.wait_for(lock, limit, [&] { return wakes_.contains(reason); });
}

void Follower::forgetWakes() {
    const std::lock_guard lock(mutex_);
    wakes_.clear();
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

std::vector<std::byte> readFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<std::byte> bytes(text.size());
    if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
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
