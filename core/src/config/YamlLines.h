#pragma once

#include <string_view>
#include <vector>

namespace litestream::config {

/// One physical line of a YAML text, looked at without building anything, so that it works for texts that are no valid YAML.
struct YamlLine {
    std::string_view text;  ///< without its end of line
    bool isStructure =
        false;  ///< begins in block context: not in a block scalar, a quoted scalar or a flow collection; no comment, not blank
    std::size_t column = 0;  ///< of the content, behind indentation and "- " markers; where isStructure
};

struct YamlLines {
    std::vector<YamlLine> lines;
    bool endsQuoted = false;  ///< the text ends in the middle of a quoted scalar
};

/// `text` outlives the result.
YamlLines scanYamlLines(std::string_view text);

}  // namespace litestream::config
