#pragma once

#include "config/Config.h"
#include "config/KnownKeys.h"
#include "config/YamlDocument.h"

#include <functional>
#include <map>

namespace litestream::config {

/// Reads the values of one file and collects what is wrong with them. No message shows the value of a secret key.
///
/// The readers return nothing for null, and when the type is wrong, which is noted.
class YamlValues {
public:
    explicit YamlValues(std::string file) : file_(std::move(file)) {}

    std::optional<std::string> text(const YamlField& field);
    std::optional<bool> boolean(const YamlField& field);
    std::optional<std::int64_t> integer(const YamlField& field, std::string_view wanted = "int");
    std::optional<std::chrono::nanoseconds> duration(const YamlField& field);
    std::optional<std::uint64_t> size(const YamlField& field);
    /// Any type, as the text of a plugin's option.
    std::optional<std::string> option(const YamlField& field, ValueType type);

    /// The fields of a mapping, none for null.
    std::vector<YamlField> mapping(const YamlField& field, std::string_view wanted);
    /// The items of a list as fields without keys, none for null.
    std::vector<YamlField> list(const YamlField& field, std::string_view wanted);

    Place place(unsigned line) const { return {file_, line}; }
    void warn(unsigned line, const std::string& text) { warnings_.push_back(place(line).prefix() + text); }
    void warnUnused(const YamlField& field, std::string_view reason);
    void warnUnknown(const YamlField& field, std::span<const std::string> known);
    /// A value of the right type that makes no sense. The first one is thrown by check().
    void refuse(unsigned line, const std::string& text);

    /// Throws what was collected, wrong types first.
    void check() const;
    std::vector<std::string> takeWarnings() { return std::move(warnings_); }

private:
    std::optional<std::int64_t> wholeNumber(const YamlField& field);
    void wrongType(const YamlField& field, std::string_view wanted);

    std::string file_;
    std::vector<std::string> warnings_;
    std::vector<std::string> wrongTypes_;
    std::string refusal_;
};

/// What a key of a block does.
using YamlSetter = std::function<void(const YamlField&)>;
using YamlKeys = std::map<std::string, YamlSetter>;

/// Applies the fields of a block by its table; other keys go to `others`, or are warned of.
void applyKeys(YamlValues& values, const std::vector<YamlField>& fields, const YamlKeys& keys,
               const YamlSetter& others = {});

}  // namespace litestream::config
