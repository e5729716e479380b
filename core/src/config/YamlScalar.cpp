#include "config/YamlScalar.h"

#include "util/GoFlags.h"

#include <litestream/Error.h>
#include <litestream/Options.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <regex>

namespace litestream::config {
namespace {

const std::string kTagPrefix = "tag:yaml.org,2002:";

bool readBoolean(YamlScalar& scalar) {
    try {
        scalar.boolean = parseBoolean(scalar.text);
    } catch (const Error&) {
        return false;
    }
    scalar.kind = YamlScalar::Kind::Boolean;
    return true;
}

bool readNumber(YamlScalar& scalar) {
    static const std::regex kFloat(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
    std::string plain = scalar.text;
    std::erase(plain, '_');
    // Nothing that is a number is longer; and the regular expression recurses.
    if (plain.empty() || plain.size() > 64) return false;
    try {
        scalar.integer = flags::parseGoInteger(plain);
        scalar.number = static_cast<double>(scalar.integer);
        scalar.kind = YamlScalar::Kind::Integer;
        return true;
    } catch (const flags::FlagError&) {
        // A float, a number beyond 64 bits, or no number.
    }
    if (!std::regex_match(plain, kFloat)) return false;
    const char* begin = plain.data() + (plain[0] == '+' ? 1 : 0);
    const auto [end, status] = std::from_chars(begin, plain.data() + plain.size(), scalar.number);
    if (status == std::errc::result_out_of_range) scalar.number = std::numeric_limits<double>::infinity();
    scalar.kind = YamlScalar::Kind::Float;
    return true;
}

}  // namespace

YamlScalar readScalar(const YAML::Node& node) {
    YamlScalar scalar;
    if (!node.IsScalar()) return scalar;
    scalar.text = node.Scalar();
    scalar.kind = YamlScalar::Kind::Text;
    const std::string& tag = node.Tag();
    if (tag == "!" || tag == kTagPrefix + "str") return scalar;
    if (readBoolean(scalar) || readNumber(scalar)) return scalar;
    return scalar;
}

std::string yamlType(const YAML::Node& node) {
    if (node.IsSequence()) return "!!seq";
    if (node.IsMap()) return "!!map";
    switch (readScalar(node).kind) {
        case YamlScalar::Kind::Null:
            return "!!null";
        case YamlScalar::Kind::Boolean:
            return "!!bool";
        case YamlScalar::Kind::Integer:
            return "!!int";
        case YamlScalar::Kind::Float:
            return "!!float";
        case YamlScalar::Kind::Text:
            break;
    }
    return "!!str";
}

}  // namespace litestream::config
