#pragma once

#include "Files.h"

#include "levels/Compaction.h"
#include "levels/Retention.h"

#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace litestream::levels::test {

/// A database, its replica and their history, made of numbers: a page's content is the TXID that wrote it. Judges after every change what can be
/// restored, by upstream's planner and by one of its own.
class World {
public:
    explicit World(unsigned seed);

    /// One random thing happens: commits, silence, a crash, a lost stretch that a snapshot bridges, ... Then what is due is done, and each step is judged.
    void step();
    /// Silence until nothing is due any more. Returns false when that never comes.
    bool settle();

    /// What is wrong; empty = nothing so far.
    const std::string& complaint() const noexcept { return complaint_; }
    std::size_t files(std::uint32_t level) const;
    unsigned deletions() const noexcept { return deletions_; }
    unsigned exactInstants() const noexcept { return exact_; }
    const Settings& settings() const noexcept { return settings_; }

private:
    static constexpr std::size_t kPages = 6;
    using Pages = std::array<std::optional<std::uint64_t>, kPages>;

    struct Object {
        replica::FileInfo info;
        Pages pages;
    };
    struct Commit {
        Clock::time_point when;
        Timestamp timestamp;
        Pages written;
        Pages state;  ///< after it
        bool uploaded = false;
    };

    bool chance(double probability) { return std::bernoulli_distribution(probability)(random_); }
    std::uint64_t upTo(std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(1, most)(random_); }
    Timestamp wall() const { return {now_.time_since_epoch() / std::chrono::milliseconds(1)}; }

    void commit();
    void seed();
    void restart();
    void tend(bool mayCrash);
    bool compact(const Job& job, bool mayCrash);
    void store(const replica::FileId& id, const Pages& pages, Timestamp timestamp, std::uint64_t size, bool known);
    const Pages& state(std::uint64_t txid) const;
    static void apply(Pages& onto, const Pages& newer);

    void judge(const std::string& after);
    void judgeLatest();
    void judgeInstant(std::uint64_t txid);
    std::optional<std::uint64_t> naiveReach(std::optional<Timestamp> before) const;
    void complain(const std::string& text);

    std::mt19937 random_;
    Settings settings_;
    Clock::time_point now_ = kStart;
    std::vector<Commit> commits_;  // [0] is TXID 1
    std::map<replica::FileId, Object> objects_;
    std::map<std::uint64_t, std::uint64_t> boundaries_;  // ends of all files above level 0 that ever were, with how often
    Inventory inventory_;
    std::string complaint_;
    std::vector<std::string> log_;
    unsigned deletions_ = 0;
    unsigned exact_ = 0;
};

}  // namespace litestream::levels::test
