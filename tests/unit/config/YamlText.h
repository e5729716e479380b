#pragma once

#include "config/YamlReader.h"

#include <string>

/// What the tests of litestream.yml share.
namespace litestream::config::testing {

inline Config read(const std::string& text, const ReadOptions& options = {}) {
    return readYaml(text, "test.yml", options);
}

inline std::string errorOf(const std::string& text) {
    try {
        read(text);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// All warnings, one a line.
inline std::string warningsOf(const Config& config) {
    std::string all;
    for (const std::string& warning : config.warnings) all += warning + "\n";
    return all;
}

/// The value of a replica's option, or "(none)".
inline std::string optionOf(const Replica& replica, std::string_view name) {
    for (const PluginOption& option : replica.options) {
        if (option.name == name) return option.value.reveal();
    }
    return "(none)";
}

inline std::string defaultOf(const Config& config, std::string_view name) {
    for (const PluginOption& option : config.replicaDefaults) {
        if (option.name == name) return option.value.reveal();
    }
    return "(none)";
}

}  // namespace litestream::config::testing
