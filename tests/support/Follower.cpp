#include "Follower.h"

extern "C" const litestream::PluginDescriptor litestream_plugin;

namespace litestream::test {

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

std::unique_ptr<Image> Follower::image() {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    for (;;) {
        try {
            return source_->image();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Transient || std::chrono::steady_clock::now() > deadline) throw;
        }
    }
}

void Follower::repair() {
    const auto image = this->image();
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
            before.push_back(position);
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

}  // namespace litestream::test
