#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace litestream::config {

/// A text in which `KEY = value` lines became YAML.
struct EqualsRewrite {
    struct Line {
        unsigned number = 0;  ///< from 1; the same in the old and the new text
        std::string key;
    };
    std::string text;
    std::vector<Line> lines;  ///< that were rewritten
};

/// Guides for early versions show `access-key-id=xxx` in litestream.yml, which is no YAML: it is an error, or, indented deeper, a part
/// of the value above it. This rewrites such lines, where KEY is a scalar key that is known at its place, to `KEY: "value"`. For texts
/// only that make no sense as they stand: whoever calls this has found out.
///
/// `isFolded`: the text is valid YAML but a url swallowed the lines; then each one is moved to the column of the key that did it.
EqualsRewrite applyEqualsRule(std::string_view text, bool isFolded);

}  // namespace litestream::config
