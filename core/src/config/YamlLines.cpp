#include "config/YamlLines.h"

#include <algorithm>

namespace litestream::config {
namespace {

bool isBlank(char c) {
    return c == ' ' || c == '\t';
}

/// Goes through a text line by line and remembers in what each line ends.
class Scanner {
public:
    YamlLine next(std::string_view text) {
        YamlLine line{text, false, 0};
        const std::size_t indent = std::min(text.find_first_not_of(' '), text.size());
        if (inBlockScalar_ && (indent == text.size() || static_cast<long>(indent) > blockParent_)) return line;
        inBlockScalar_ = false;
        std::size_t at = 0;
        if (quote_ == 0 && flowDepth_ == 0) {
            at = text.find_first_not_of(" \t");
            if (at == std::string_view::npos || text[at] == '#') return line;
            at = skipMarkers(text, at);
            line.isStructure = true;
            line.column = at;
            blockParent_ = static_cast<long>(at);
        }
        scan(text, at);
        return line;
    }

    bool isQuoted() const { return quote_ != 0; }

private:
    /// Behind "- - ": where the content begins. Each marker is the parent of a block scalar that follows it directly.
    std::size_t skipMarkers(std::string_view text, std::size_t at) {
        while (at < text.size() && text[at] == '-' && (at + 1 == text.size() || isBlank(text[at + 1]))) {
            markerColumn_ = static_cast<long>(at);
            ++at;
            while (at < text.size() && isBlank(text[at])) ++at;
        }
        return at;
    }

    void scan(std::string_view text, std::size_t at) {
        bool tokenStart = true;  // where a quote or a bracket has its meaning
        bool sawKey = false;
        for (; at < text.size(); ++at) {
            const char c = text[at];
            if (quote_ != 0) {
                at = scanQuoted(text, at);
                tokenStart = false;
            } else if (c == '#' && (at == 0 || isBlank(text[at - 1]))) {
                return;
            } else if (isBlank(c)) {
                continue;
            } else if (flowDepth_ > 0) {
                scanFlow(c, tokenStart);
            } else if (tokenStart && (c == '&' || c == '!')) {
                while (at + 1 < text.size() && !isBlank(text[at + 1])) ++at;
            } else if (tokenStart && (c == '|' || c == '>')) {
                inBlockScalar_ = true;
                if (!sawKey) blockParent_ = markerColumn_;
                return;
            } else if (tokenStart && (c == '"' || c == '\'')) {
                quote_ = c;
            } else if (tokenStart && (c == '[' || c == '{')) {
                flowDepth_ = 1;
            } else if (c == ':' && (at + 1 == text.size() || isBlank(text[at + 1]))) {
                tokenStart = true;
                sawKey = true;
            } else {
                tokenStart = false;
            }
        }
    }

    /// Returns where the quoted scalar ends in this line, or its last character.
    std::size_t scanQuoted(std::string_view text, std::size_t at) {
        for (; at < text.size(); ++at) {
            if (quote_ == '"' && text[at] == '\\') {
                ++at;
            } else if (text[at] == quote_) {
                if (quote_ == '\'' && at + 1 < text.size() && text[at + 1] == '\'') {
                    ++at;
                    continue;
                }
                quote_ = 0;
                return at;
            }
        }
        return text.size();
    }

    void scanFlow(char c, bool& tokenStart) {
        if ((c == '"' || c == '\'') && tokenStart) {
            quote_ = c;
        } else if (c == '[' || c == '{') {
            ++flowDepth_;
        } else if (c == ']' || c == '}') {
            --flowDepth_;
        }
        tokenStart = c == '[' || c == '{' || c == ',' || c == ':';
    }

    char quote_ = 0;
    unsigned flowDepth_ = 0;
    bool inBlockScalar_ = false;
    long blockParent_ = -1;   ///< lines of a block scalar are indented deeper than this
    long markerColumn_ = -1;  ///< of the last "-" marker
};

}  // namespace

YamlLines scanYamlLines(std::string_view text) {
    YamlLines out;
    Scanner scanner;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        out.lines.push_back(scanner.next(line));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    out.endsQuoted = scanner.isQuoted();
    return out;
}

}  // namespace litestream::config
