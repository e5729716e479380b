#include "config/YamlDocument.h"

#include "config/YamlLines.h"

#include <litestream/Error.h>

#include <algorithm>
#include <map>

namespace litestream::config {
namespace {

[[noreturn]] void fail(unsigned line, const std::string& message) {
    throw Error(ErrorCode::InvalidArgument, "yaml: line " + std::to_string(line) + ": " + message);
}

/// yaml-cpp takes some tabs for indentation, and the end of a text for a closing quote.
void refuseWhatYamlCppTakes(std::string_view text) {
    unsigned number = 0;
    const YamlLines lines = scanYamlLines(text);
    for (const YamlLine& line : lines.lines) {
        ++number;
        const std::size_t indent = line.text.find_first_not_of(' ');
        if (line.isStructure && indent != std::string_view::npos && line.text[indent] == '\t')
            fail(number, "found a tab character that violates indentation");
    }
    if (lines.endsQuoted) fail(number + (text.ends_with('\n') ? 1 : 0), "found unexpected end of stream");
}

/// yaml-cpp's texts, where upstream's users know others.
std::string wordsOf(const std::string& message) {
    static const std::map<std::string, std::string, std::less<>> kWords{
        {"illegal map value", "mapping values are not allowed in this context"},
        {"end of map not found", "did not find expected key"},
        {"end of sequence not found", "did not find expected '-' indicator"},
        {"end of map flow not found", "did not find expected ',' or '}'"},
        {"end of sequence flow not found", "did not find expected ',' or ']'"},
        {"unknown token", "found character that cannot start any token"},
        {"illegal EOF in scalar", "found unexpected end of stream"},
        {"illegal tab when looking for indentation", "found a tab character that violates indentation"},
        {"the referenced anchor is not defined", "unknown anchor referenced"},
    };
    const auto found = kWords.find(message);
    // What follows a colon is a piece of the text.
    return found == kWords.end() ? message.substr(0, message.find(": ")) : found->second;
}

/// An anchor may hold itself, and anchors that merge anchors multiply.
constexpr unsigned kMostMerges = 1000;

void collect(const YAML::Node& mapping, std::vector<YamlField>& fields, unsigned& merges);

void merge(const YAML::Node& value, std::vector<YamlField>& fields, unsigned& merges) {
    if (++merges > kMostMerges) fail(lineOf(value), "too many mappings are merged");
    if (value.IsMap()) {
        collect(value, fields, merges);
    } else if (value.IsSequence()) {
        // The first mapping of a list counts most.
        for (std::size_t i = value.size(); i-- > 0;) {
            if (!value[i].IsMap()) fail(lineOf(value), "map merge requires map or sequence of maps as the value");
            collect(value[i], fields, merges);
        }
    } else {
        fail(lineOf(value), "map merge requires map or sequence of maps as the value");
    }
}

void collect(const YAML::Node& mapping, std::vector<YamlField>& fields, unsigned& merges) {
    for (const auto& entry : mapping) {
        if (!entry.first.IsScalar() && !entry.first.IsNull()) fail(lineOf(entry.first), "a key must be a scalar");
        const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
        if (key == "<<" && entry.first.Tag() != "!") {
            merge(entry.second, fields, merges);
            continue;
        }
        fields.push_back({key, lineOf(entry.second.IsNull() ? entry.first : entry.second), entry.second});
    }
}

}  // namespace

YAML::Node parseYaml(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    refuseWhatYamlCppTakes(text);
    try {
        return YAML::Load(std::string(text));
    } catch (const YAML::Exception& error) {
        fail(static_cast<unsigned>(std::max(error.mark.line, 0)) + 1, wordsOf(error.msg));
    }
}

std::vector<YamlField> fieldsOf(const YAML::Node& mapping) {
    std::vector<YamlField> fields;
    unsigned merges = 0;
    collect(mapping, fields, merges);
    std::map<std::string_view, std::size_t> last;
    for (std::size_t i = 0; i < fields.size(); ++i) last[fields[i].key] = i;
    // Assigning a node would change the document, so the fields are not moved about but copied.
    std::vector<YamlField> once;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (last[fields[i].key] == i) once.push_back(fields[i]);
    }
    return once;
}

unsigned lineOf(const YAML::Node& node) {
    return static_cast<unsigned>(std::max(node.Mark().line, 0)) + 1;
}

std::vector<std::string> replicaUrls(const YAML::Node& root) {
    std::vector<std::string> urls;
    const auto addUrl = [&](const YAML::Node& replica) {
        if (!replica.IsMap()) return;
        for (const YamlField& field : fieldsOf(replica)) {
            if (field.key == "url" && field.value.IsScalar()) urls.push_back(field.value.Scalar());
        }
    };
    const auto addDatabase = [&](const YAML::Node& database) {
        if (!database.IsMap()) return;
        for (const YamlField& field : fieldsOf(database)) {
            if (field.key == "replica") addUrl(field.value);
            if (field.key != "replicas" || !field.value.IsSequence()) continue;
            for (const YAML::Node& replica : field.value) addUrl(replica);
        }
    };
    if (!root.IsMap()) return urls;
    for (const YamlField& field : fieldsOf(root)) {
        if (field.key != "dbs" || !field.value.IsSequence()) continue;
        for (const YAML::Node& database : field.value) addDatabase(database);
    }
    return urls;
}

}  // namespace litestream::config
