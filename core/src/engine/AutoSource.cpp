#include "engine/AutoSource.h"

#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace litestream::engine {

namespace {

/// In the order in which they are asked.
constexpr std::array<std::string_view, 2> kSources{"sqlite", "journal"};

std::vector<const plugin::LoadedPlugin*> sourcesOf(const plugin::Registry& registry) {
    std::vector<const plugin::LoadedPlugin*> found;
    for (const auto name : kSources) {
        if (const auto* plugin = registry.find(PluginKind::Source, name)) found.push_back(plugin);
    }
    return found;
}

bool takes(const plugin::LoadedPlugin& plugin, std::string_view option) {
    return std::any_of(plugin.options.begin(), plugin.options.end(), [&](const auto& each) { return each.name == option; });
}

OptionValues optionsOf(const plugin::LoadedPlugin& plugin, const OptionValues& all) {
    OptionValues own;
    for (const auto& [name, value] : all.texts()) {
        if (takes(plugin, name)) own.set(name, value);
    }
    for (const auto& [name, value] : all.secrets()) {
        if (takes(plugin, name)) own.set(name, value);
    }
    return own;
}

class AutoSource final : public Source {
public:
    struct Candidate {
        std::string name;
        std::unique_ptr<Source> source;
    };

    AutoSource(std::filesystem::path database, std::vector<Candidate> candidates)
        : database_(std::move(database)), candidates_(std::move(candidates)) {}

    Attachment attach(const Position* last) override {
        detach();
        Attachment refused;
        for (const Candidate& candidate : candidates_) {
            Attachment found = candidate.source->attach(last);
            if (found.outcome != Attachment::Outcome::Detached) {
                use(candidate);
                return found;
            }
            if (refused.reason == found.reason) continue;
            refused.reason += (refused.reason.empty() ? "" : "; ") + candidate.name + ": " + found.reason;
            if (&candidate == &candidates_.front()) refused.reason = found.reason;
        }
        return refused;
    }

    Capture capture(std::uint64_t budgetBytes, PageSink& sink) override {
        if (used_ != nullptr) return used_->capture(budgetBytes, sink);
        Capture result;
        result.outcome = Capture::Outcome::Detached;
        result.reason = "not attached";
        return result;
    }

    void release(const Position& position) override {
        if (used_ != nullptr) used_->release(position);
    }

    std::unique_ptr<Image> image() override {
        if (used_ != nullptr) return used_->image();
        throw Error(ErrorCode::Transient, "image of " + database_.string() + ": not attached");
    }

    void detach() override {
        used_ = nullptr;
        for (const Candidate& candidate : candidates_) candidate.source->detach();
    }

    SourceStatus status() const override { return (used_ != nullptr ? used_ : candidates_.front().source.get())->status(); }

private:
    void use(const Candidate& chosen) {
        used_ = chosen.source.get();
        // The others stop asking for another attempt.
        for (const Candidate& candidate : candidates_) {
            if (candidate.source.get() != used_) candidate.source->detach();
        }
        if (std::exchange(usedName_, chosen.name) == chosen.name) return;
        log::info("source chosen", {{"db", database_.string()}, {"source", chosen.name}});
    }

    const std::filesystem::path database_;
    const std::vector<Candidate> candidates_;  ///< at least one
    Source* used_ = nullptr;                   ///< null while detached
    std::string usedName_;                     ///< the last one that was
};

}  // namespace

plugin::LoadedPlugin describeAutoSource(const plugin::Registry& registry) {
    plugin::LoadedPlugin described;
    described.kind = PluginKind::Source;
    described.name = kAutoSource;
    for (const auto* plugin : sourcesOf(registry)) {
        for (const auto& option : plugin->options) {
            if (!takes(described, option.name)) described.options.push_back(option);
        }
    }
    return described;
}

std::unique_ptr<Source> openSource(const plugin::Registry& registry, std::string_view name, const SourceContext& context,
                                   const OptionValues& options) {
    if (name != kAutoSource) return registry.openSource(name, context, options);
    std::vector<AutoSource::Candidate> candidates;
    for (const auto* plugin : sourcesOf(registry)) {
        candidates.push_back({plugin->name, registry.openSource(plugin->name, context, optionsOf(*plugin, options))});
    }
    if (candidates.empty()) return registry.openSource(kSources.front(), context, options);  // says what is missing
    return std::make_unique<AutoSource>(context.database, std::move(candidates));
}

}  // namespace litestream::engine
