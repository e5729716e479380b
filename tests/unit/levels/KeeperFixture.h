#pragma once

#include "Fixture.h"

#include "levels/Keeper.h"

#include <deque>
#include <iostream>
#include <sstream>

namespace litestream::levels::test {

using Names = std::vector<std::string>;

/// A keeper whose jobs run when the test says so, with a clock that the test sets.
class KeeperTest : public StoreTest {
protected:
    void SetUp() override { restart({}); }

    void restart(const std::vector<replica::FileInfo>& listing) {
        Keeper::Setup setup;
        setup.database = "/app.db";
        setup.replica = "memory";
        setup.store = replicas_;
        setup.codecs = codecs_;
        setup.codec = codec_;
        setup.settings = settings_;
        setup.background = [this](Keeper::Action action) { background_.push_back(std::move(action)); };
        setup.onStrand = [](const Keeper::Action& action) { action(); };
        setup.now = [this] { return now_; };
        // The wall clock shows the test's.
        setup.wall = [this] { return wall(); };
        setup.inventoryFile = file_;
        setup.lineage = [this] { return lineage_; };
        setup.donors = [this](const replica::FileId& file, const HeldFile& known) { return donors_ ? donors_(file, known) : std::vector<Donor>{}; };
        setup.expected = [this](const replica::FileId& file) { return file == underway_; };
        setup.needsAnchor = [this] { anchors_ = true; };
        setup.ended = [this] {
            if (turns_) turn();
        };
        setup.conflict = [this](const std::string& reason) { conflict_ = reason; };
        setup.needsDatabase = [this](const std::string& reason) {
            wanted_ = reason;
            return seeds_;
        };
        setup.mismatch = [this](Txid txid, ReadState read) {
            if (!seeds_) return false;
            mismatch_ = txid;
            read_ = std::move(read);
            return true;
        };
        keeper_ = std::make_shared<Keeper>(std::move(setup));
        keeper_->attach(listing, wall());
    }

    Timestamp wall() const { return {(now_ - kStart) / 1ms}; }
    /// A new process, which finds in the store what is there.
    void restart() { restart(replicas_->listAll({})); }

    void turn() { at_ = keeper_->turn({}); }
    void store(const replica::FileInfo& file, std::optional<std::uint64_t> digest = std::nullopt) {
        keeper_->stored(file, {checksumOf(file), digest});
        turn();
    }
    Proven proven() const { return keeper_->inventory().proven(); }
    /// Takes time to `then`, stopping wherever the keeper wants to be called.
    void until(std::chrono::seconds then) {
        for (;;) {
            while (!background_.empty()) {
                const auto job = std::move(background_.front());
                background_.pop_front();
                job();
            }
            if (!at_ || *at_ > kStart + then) break;
            now_ = std::max(now_, *at_);
            turn();
        }
        now_ = kStart + then;
        turn();
    }
    Names held() const { return texts(keeper_->inventory().all()); }
    /// What the store really has.
    Names there() {
        Names names;
        for (const auto& name : store_.keys()) names.push_back(text(*replicas_->layout().parse(name)));
        return names;
    }

    /// The lines that the log has got since the last call and that contain `text`.
    Names said(const std::string& text) {
        const std::string captured = ::testing::internal::GetCapturedStdout();
        log_ += captured;
        std::istringstream log(captured);
        Names lines;
        for (std::string line; std::getline(log, line);) {
            if (line.find(text) != std::string::npos) lines.push_back(line);
        }
        ::testing::internal::CaptureStdout();
        return lines;
    }

    Settings settings_;
    std::filesystem::path file_;
    std::uint64_t lineage_ = 77;  // that of the files
    std::function<std::vector<Donor>(const replica::FileId&, const HeldFile&)> donors_;
    std::optional<replica::FileId> underway_;
    bool anchors_ = false;
    std::string log_;
    Clock::time_point now_ = kStart;
    std::deque<Keeper::Action> background_;
    std::optional<Clock::time_point> at_;
    std::string conflict_;
    std::string wanted_;
    Txid mismatch_;
    ReadState read_;
    bool seeds_ = true;
    bool turns_ = true;  ///< when a job has ended
    std::shared_ptr<Keeper> keeper_;
};

}  // namespace litestream::levels::test
