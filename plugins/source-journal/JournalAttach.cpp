#include "JournalSource.h"

#include <litestream/Error.h>

#include <algorithm>
#include <thread>

namespace litestream::journal {
namespace {

using std::chrono::milliseconds;

/// How long attach() may try for a lock. Nothing is held meanwhile.
constexpr auto kAttachPatience = milliseconds(5);
/// The pages of a small database are known at once.
constexpr auto kLearnAtOnce = milliseconds(5);
constexpr auto kFirstRetry = milliseconds(250);
constexpr auto kLastRetry = milliseconds(5000);

}  // namespace

Attachment JournalSource::attach(const Position* last) {
    detach();
    try {
        Attachment result = attachNow(last);
        refusals_ = 0;
        return result;
    } catch (const Refusal& refusal) {
        return refused(refusal.what());
    } catch (const WrongState& wrong) {
        return refused(wrong.what());
    } catch (const Error& error) {
        return refused(error.what());
    }
}

Attachment JournalSource::attachNow(const Position* last) {
    file_ = std::make_unique<DatabaseFile>(context_.database);
    readState();
    if (auto warning = sqlite::filesystemWarning(context_.database); warning != warnedFilesystem_) {
        warnedFilesystem_ = warning;
        host_.log(LogLevel::Warning, context_.database.string() + " " + warning);
    }
    pass_.emplace(*file_, position_.pageSize, sums_, settings_.holdLimit);
    Attachment result;
    result.pageSize = position_.pageSize;
    result.commit = position_.stamp.pages;
    if (auto doubt = refuteProof(last); doubt.empty()) {
        result.outcome = Attachment::Outcome::Proved;
        learning_ = true;
        pass_->expect(position_.stamp);
        learn(Clock::now() + kLearnAtOnce);
    } else {
        result.outcome = Attachment::Outcome::Lost;
        result.reason = doubt;
        lose(doubt);
    }
    watcher_->follow(watch_, *file_);
    publish();
    return result;
}

void JournalSource::readState() {
    const auto deadline = Clock::now() + kAttachPatience;
    for (;;) {
        if (const SharedLock lock = file_->tryLock()) {
            if (file_->journalIsHot()) {
                throw Refusal(
                    "a transaction of a process that has ended waits to be rolled back. "
                    "The application does that when it uses the database next");
            }
            const DatabaseHeader header = file_->header();
            file_->requireRollbackMode(header);
            position_ = {file_->stamp(header), header.pageSize, file_->identity()};
            return;
        }
        if (Clock::now() >= deadline) break;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    throw Refusal(
        "database is locked: another process commits, recovers it, or uses locking_mode=EXCLUSIVE, which must be switched off");
}

/// Empty if position_, the state of now, is the one that `last` recorded.
std::string JournalSource::refuteProof(const Position* last) const {
    if (last == nullptr) return "first contact";
    const auto recorded = JournalPosition::decode(*last);
    if (!recorded) return "the recorded position is not one of a database in rollback mode";
    if (recorded->file != position_.file) return "the database is another file than the one that was followed";
    if (recorded->pageSize != position_.pageSize) return "the page size has changed";
    if (recorded->stamp.changeCounter != position_.stamp.changeCounter || recorded->stamp.pages != position_.stamp.pages) {
        return "the database was changed while it was not followed";
    }
    if (recorded->stamp != position_.stamp) return "the database file was touched while it was not followed";
    return {};
}

/// Closes everything and asks the watcher to say when another attempt is worth it.
Attachment JournalSource::refused(const std::string& reason) {
    detach();
    detachedReason_ = reason;
    std::error_code ignored;
    const bool missing =
        !sqlite::identityOf(context_.database) || std::filesystem::is_empty(context_.database, ignored);
    const auto delay = std::min(kFirstRetry * (1u << std::min(refusals_, 5u)), kLastRetry);
    ++refusals_;
    watcher_->await(watch_, context_.database, missing, delay);
    Attachment result;
    result.reason = reason;
    return result;
}

}  // namespace litestream::journal
