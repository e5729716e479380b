#include "config/EqualsRule.h"

#include "config/KnownKeys.h"
#include "config/YamlLines.h"

#include <algorithm>
#include <optional>

namespace litestream::config {
namespace {

bool isKeyCharacter(char c) {
    return c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// `KEY = rest` or `KEY: rest`.
struct Assignment {
    std::string key;
    char sign = 0;
    std::string_view rest;
};

std::optional<Assignment> readAssignment(std::string_view content) {
    const auto end =
        static_cast<std::size_t>(std::find_if_not(content.begin(), content.end(), isKeyCharacter) - content.begin());
    const std::size_t sign = content.find_first_not_of(" \t", end);
    if (end == 0 || sign == std::string_view::npos) return std::nullopt;
    if (content[sign] != '=' && content[sign] != ':') return std::nullopt;
    const std::string_view behind = content.substr(sign + 1);
    if (content[sign] == ':' && !behind.empty() && behind[0] != ' ' && behind[0] != '\t') return std::nullopt;
    return Assignment{std::string(content.substr(0, end)), content[sign], trim(behind)};
}

std::string_view withoutComment(std::string_view rest) {
    for (std::size_t at = 0; at < rest.size(); ++at) {
        if (rest[at] == '#' && (at == 0 || rest[at - 1] == ' ' || rest[at - 1] == '\t'))
            return trim(rest.substr(0, at));
    }
    return rest;
}

/// Behind the closing quote of a quoted text; npos when `rest` is none, or when more than a comment follows.
std::size_t quotedEnd(std::string_view rest) {
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return std::string_view::npos;
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (rest[0] == '"' && rest[at] == '\\') {
            ++at;
        } else if (rest[at] == rest[0]) {
            if (rest[0] == '\'' && at + 1 < rest.size() && rest[at + 1] == '\'') {
                ++at;
                continue;
            }
            return withoutComment(rest.substr(at + 1)).empty() ? at + 1 : std::string_view::npos;
        }
    }
    return std::string_view::npos;
}

/// As a YAML scalar; nothing when nothing is left.
std::string scalarOf(std::string_view rest) {
    if (const std::size_t end = quotedEnd(rest); end != std::string_view::npos) return std::string(rest.substr(0, end));
    const std::string_view value = withoutComment(rest);
    if (value.empty()) return {};
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

/// The keys whose mappings are open at a line, outermost first.
class OpenKeys {
public:
    struct Key {
        std::size_t column;
        std::string name;
        bool hasValue;  ///< on its own line: what is indented deeper belongs to the value
    };

    void closeFrom(std::size_t column) {
        while (!keys_.empty() && keys_.back().column >= column) keys_.pop_back();
    }
    void open(Key key) { keys_.push_back(std::move(key)); }
    const Key* innermost() const { return keys_.empty() ? nullptr : &keys_.back(); }

    /// Whether a scalar key of this name may stand here.
    bool allow(const std::string& name) const {
        KeyPlace place = KeyPlace::Top;
        std::string prefix;
        for (const Key& key : keys_) {
            if (place == KeyPlace::Top && key.name == "dbs") {
                place = KeyPlace::Database;
            } else if (place == KeyPlace::Database && (key.name == "replica" || key.name == "replicas")) {
                place = KeyPlace::Replica;
            } else {
                prefix += key.name + ".";
            }
        }
        return findKnownKey(place, prefix + name) != nullptr ||
               (place != KeyPlace::Database && prefix.empty() && isReplicaDefault(name));
    }

private:
    std::vector<Key> keys_;
};

class Rewriter {
public:
    explicit Rewriter(bool isFolded) : isFolded_(isFolded) {}

    void add(const YamlLine& line) {
        ++number_;
        if (!line.isStructure || !rewrite(line)) out_.text += line.text;
        out_.text += '\n';
    }

    EqualsRewrite finish() { return std::move(out_); }

private:
    bool rewrite(const YamlLine& line) {
        const auto found = readAssignment(line.text.substr(line.column));
        if (!found) return false;
        std::string lead(line.text.substr(0, line.column));
        std::size_t column = line.column;
        keys_.closeFrom(column);
        if (found->sign == '=' && isFolded_ && keys_.innermost() != nullptr && keys_.innermost()->hasValue) {
            column = keys_.innermost()->column;
            lead.assign(column, ' ');
            keys_.closeFrom(column);
        }
        const bool isWanted = found->sign == '=' && keys_.allow(found->key);
        if (isWanted) {
            out_.text += lead + found->key + ": " + scalarOf(found->rest);
            out_.lines.push_back({number_, found->key});
        }
        // A line that is left alone is no key of this text.
        if (isWanted || found->sign == ':') {
            keys_.open({column, found->key, found->sign == '=' || !withoutComment(found->rest).empty()});
        }
        return isWanted;
    }

    const bool isFolded_;
    unsigned number_ = 0;
    OpenKeys keys_;
    EqualsRewrite out_;
};

}  // namespace

EqualsRewrite applyEqualsRule(std::string_view text, bool isFolded) {
    Rewriter rewriter(isFolded);
    for (const YamlLine& line : scanYamlLines(text).lines) rewriter.add(line);
    return rewriter.finish();
}

}  // namespace litestream::config
