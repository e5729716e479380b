#include "IniFile.h"

#include "../base/Endpoint.h"
#include "../base/TextFile.h"

#include <algorithm>

namespace litestream::s3 {

IniSections readIni(std::string_view text) {
    IniSections sections;
    std::map<std::string, std::string, std::less<>>* section = nullptr;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::string_view content = trimmed(line);
        if (content.empty() || content[0] == '#' || content[0] == ';' || line[0] == ' ' || line[0] == '\t') continue;
        if (content[0] == '[') {
            const std::size_t end = content.find(']');
            section =
                end == std::string_view::npos ? nullptr : &sections[std::string(trimmed(content.substr(1, end - 1)))];
            continue;
        }
        const std::size_t equals = content.find('=');
        if (section == nullptr || equals == std::string_view::npos) continue;
        (*section)[lowerCase(trimmed(content.substr(0, equals)))] = trimmed(content.substr(equals + 1));
    }
    return sections;
}

}  // namespace litestream::s3
