#include "config/YamlValues.h"

#include "config/YamlScalar.h"
#include "util/Units.h"

#include <algorithm>
#include <cmath>

namespace litestream::config {
namespace {

using Kind = YamlScalar::Kind;

/// The key whose `KEY=` line ran into the value above it, or "".
std::string swallowedKey(const std::string& text) {
    std::size_t equals = text.find('=');
    for (; equals != std::string::npos; equals = text.find('=', equals + 1)) {
        const std::size_t end = text.find_last_not_of(' ', equals == 0 ? 0 : equals - 1);
        const std::size_t blank = text.find_last_of(" \n", end);
        if (end == std::string::npos || blank == std::string::npos || blank == end) continue;
        const std::string word = text.substr(blank + 1, end - blank);
        if (isSecretKey(word)) return word;
    }
    return "";
}

}  // namespace

void YamlValues::wrongType(const YamlField& field, std::string_view wanted) {
    std::string found = yamlType(field.value);
    const YamlScalar scalar = readScalar(field.value);
    // An equals sign may be followed by what another line was to say.
    if (scalar.kind != Kind::Null && !isSecretKey(field.key) && scalar.text.find('=') == std::string::npos) {
        found += " `" + (scalar.text.size() > 10 ? scalar.text.substr(0, 7) + "..." : scalar.text) + "`";
    }
    wrongTypes_.push_back("line " + std::to_string(field.line) + ": cannot unmarshal " + found + " into " +
                          std::string(wanted));
}

void YamlValues::refuse(unsigned line, const std::string& text) {
    if (refusal_.empty()) refusal_ = place(line).prefix() + text;
}

void YamlValues::check() const {
    std::string text = "yaml: unmarshal errors:";
    for (const std::string& line : wrongTypes_) text += "\n  " + line;
    if (!wrongTypes_.empty()) throw Error(ErrorCode::InvalidArgument, text);
    if (!refusal_.empty()) throw Error(ErrorCode::InvalidArgument, refusal_);
}

std::optional<std::string> YamlValues::text(const YamlField& field) {
    if (field.value.IsNull()) return std::nullopt;
    if (!field.value.IsScalar()) {
        wrongType(field, "string");
        return std::nullopt;
    }
    const std::string& text = field.value.Scalar();
    if (const std::string key = swallowedKey(text); !key.empty() && field.key != "exec") {
        refuse(field.line, "the value of \"" + field.key + "\" runs on into \"" + key + "=\". Write \"" + key +
                               ": ...\" on a line of its own, indented like \"" + field.key + "\"");
    }
    return text;
}

std::optional<bool> YamlValues::boolean(const YamlField& field) {
    if (field.value.IsNull()) return std::nullopt;
    const YamlScalar scalar = readScalar(field.value);
    if (scalar.kind == Kind::Boolean) return scalar.boolean;
    wrongType(field, "bool");
    return std::nullopt;
}

/// A fraction is cut off, as upstream does it.
std::optional<std::int64_t> YamlValues::wholeNumber(const YamlField& field) {
    const YamlScalar scalar = readScalar(field.value);
    if (scalar.kind == Kind::Integer) return scalar.integer;
    constexpr double kLimit = 9223372036854775808.0;  // 2^63
    if (scalar.kind == Kind::Float && std::abs(scalar.number) < kLimit) return static_cast<std::int64_t>(scalar.number);
    return std::nullopt;
}

std::optional<std::int64_t> YamlValues::integer(const YamlField& field, std::string_view wanted) {
    if (field.value.IsNull()) return std::nullopt;
    const auto number = wholeNumber(field);
    if (!number) wrongType(field, wanted);
    return number;
}

std::optional<std::chrono::nanoseconds> YamlValues::duration(const YamlField& field) {
    if (field.value.IsNull()) return std::nullopt;
    if (const auto number = wholeNumber(field)) {
        const std::chrono::nanoseconds value(*number);
        if (value.count() != 0 && std::chrono::abs(value) < std::chrono::milliseconds(1)) {
            warn(field.line, field.key + ": a number without a unit means nanoseconds, so this is " +
                                 formatDuration(value) + ". Write a unit, like 10s");
        }
        return value;
    }
    if (field.value.IsScalar()) {
        try {
            return parseDuration(field.value.Scalar());
        } catch (const Error&) {
            // told below, in the words for wrong types
        }
    }
    wrongType(field, "time.Duration");
    return std::nullopt;
}

std::optional<std::uint64_t> YamlValues::size(const YamlField& field) {
    const auto written = text(field);
    if (!written) return std::nullopt;
    try {
        return parseSize(*written);
    } catch (const Error& error) {
        refuse(field.line, field.key + ": " + error.what());
        return std::nullopt;
    }
}

std::optional<std::string> YamlValues::option(const YamlField& field, ValueType type) {
    switch (type) {
        case ValueType::Boolean:
            if (const auto value = boolean(field)) return *value ? "true" : "false";
            return std::nullopt;
        case ValueType::Integer:
            if (const auto value = integer(field)) return std::to_string(*value);
            return std::nullopt;
        case ValueType::Duration:
            if (const auto value = duration(field)) return formatDuration(*value);
            return std::nullopt;
        case ValueType::Size:
            return size(field) ? text(field) : std::nullopt;
        case ValueType::TextList: {
            std::string joined;
            for (const YamlField& item : list(field, "[]string"))
                joined += (joined.empty() ? "" : ",") + text(item).value_or("");
            return joined;
        }
        case ValueType::Text:
            break;
    }
    return text(field);
}

std::vector<YamlField> YamlValues::mapping(const YamlField& field, std::string_view wanted) {
    if (field.value.IsNull()) return {};
    if (field.value.IsMap()) return fieldsOf(field.value);
    wrongType(field, wanted);
    return {};
}

std::vector<YamlField> YamlValues::list(const YamlField& field, std::string_view wanted) {
    std::vector<YamlField> items;
    if (field.value.IsSequence()) {
        for (const YAML::Node& item : field.value) items.push_back({field.key, lineOf(item), item});
    } else if (!field.value.IsNull()) {
        wrongType(field, wanted);
    }
    return items;
}

void YamlValues::warnUnused(const YamlField& field, std::string_view reason) {
    warn(field.line, "key \"" + field.key + "\" has no effect: " + std::string(reason));
}

void YamlValues::warnUnknown(const YamlField& field, std::span<const std::string> known) {
    // In a file with "key=value" lines a key may hold a value: nobody may see it.
    const std::string key = field.key.substr(0, field.key.find('='));
    warn(field.line, "unknown key \"" + key + "\" is ignored" + didYouMean(key, known));
}

void applyKeys(YamlValues& values, const std::vector<YamlField>& fields, const YamlKeys& keys,
               const YamlSetter& others) {
    for (const YamlField& field : fields) {
        const auto found = keys.find(field.key);
        if (found != keys.end()) {
            found->second(field);
        } else if (others) {
            others(field);
        } else {
            std::vector<std::string> known;
            for (const auto& [name, setter] : keys) known.push_back(name);
            values.warnUnknown(field, known);
        }
    }
}

}  // namespace litestream::config
