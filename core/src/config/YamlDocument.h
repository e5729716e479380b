#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>
#include <vector>

namespace litestream::config {

/// One key of a mapping with its value. Keys are taken literally: `yes: 1` has the key "yes".
struct YamlField {
    std::string key;
    unsigned line = 0;  ///< of the value; from 1
    YAML::Node value;
};

/// The first document of a text, null when there is none. Throws Error(InvalidArgument) "yaml: line N: ..." for what is no YAML.
YAML::Node parseYaml(std::string_view text);

/// The keys of a mapping in their order, "<<" replaced by what it stands for, and of equal keys the last one. Throws
/// Error(InvalidArgument) for a merge of something else than mappings.
std::vector<YamlField> fieldsOf(const YAML::Node& mapping);

/// Where a node begins; from 1.
unsigned lineOf(const YAML::Node& node);

/// The `url` values of all replicas, for the look at a text that may be meant otherwise. Takes any document.
std::vector<std::string> replicaUrls(const YAML::Node& root);

}  // namespace litestream::config
