#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <string>

/// YAML 1.1's meaning of a scalar, which the drop-in needs and yaml-cpp does not know: it reads 1.2.
namespace litestream::config {

struct YamlScalar {
    enum class Kind { Null, Boolean, Integer, Float, Text };
    Kind kind = Kind::Null;
    std::string text;  ///< as written, for every kind but Null
    bool boolean = false;
    std::int64_t integer = 0;
    double number = 0;
};

/// Of a scalar or null node. What is quoted, or a block scalar, is text.
YamlScalar readScalar(const YAML::Node& node);

/// What a node is, for messages: "!!str", "!!seq", ...
std::string yamlType(const YAML::Node& node);

}  // namespace litestream::config
