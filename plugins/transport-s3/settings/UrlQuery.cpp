#include "UrlQuery.h"

#include "../base/Endpoint.h"

#include <litestream/Error.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>

namespace litestream::s3 {

namespace {

enum class Reading {
    Text,
    Secret,
    Endpoint,  ///< gets a scheme when it has none
    True,      ///< "true" alone is true
    Boolean,   ///< true, 1, t or yes in any case is true
    Positive,  ///< an integer above 0, without a unit
};

struct Parameter {
    std::string_view spelling;
    const char* option;
    Reading reading;
};

constexpr Parameter kParameters[] = {
    {"endpoint", "endpoint", Reading::Endpoint},
    {"region", "region", Reading::Text},
    {"forcePathStyle", "force-path-style", Reading::True},
    {"force-path-style", "force-path-style", Reading::Boolean},
    {"skipVerify", "skip-verify", Reading::True},
    {"skip-verify", "skip-verify", Reading::Boolean},
    {"signPayload", "sign-payload", Reading::Boolean},
    {"sign-payload", "sign-payload", Reading::Boolean},
    {"requireContentMD5", "require-content-md5", Reading::Boolean},
    {"require-content-md5", "require-content-md5", Reading::Boolean},
    {"storageClass", "storage-class", Reading::Text},
    {"storage-class", "storage-class", Reading::Text},
    {"partSize", "part-size", Reading::Positive},
    {"part-size", "part-size", Reading::Positive},
    {"concurrency", "concurrency", Reading::Positive},
    {"sseCustomerAlgorithm", "sse-customer-algorithm", Reading::Text},
    {"sse-customer-algorithm", "sse-customer-algorithm", Reading::Text},
    {"sseCustomerKey", "sse-customer-key", Reading::Secret},
    {"sse-customer-key", "sse-customer-key", Reading::Secret},
    {"sseCustomerKeyMD5", "sse-customer-key-md5", Reading::Text},
    {"sse-customer-key-md5", "sse-customer-key-md5", Reading::Text},
    {"sseKmsKeyId", "sse-kms-key-id", Reading::Text},
    {"sse-kms-key-id", "sse-kms-key-id", Reading::Text},
};

int hexValue(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

const char* truth(bool value) noexcept {
    return value ? "true" : "false";
}

bool readBoolean(const std::string& value) {
    const std::string lower = lowerCase(value);
    return lower == "true" || lower == "1" || lower == "t" || lower == "yes";
}

/// The number in plain digits: options of a size would read a unit, which upstream does not take here.
std::string readPositive(std::string_view name, const std::string& value) {
    std::int64_t number = 0;
    const std::size_t sign = value.starts_with('+') ? 1 : 0;
    const auto [end, status] = std::from_chars(value.data() + sign, value.data() + value.size(), number);
    if (status != std::errc{} || end != value.data() + value.size() || number <= 0) {
        throw Error(ErrorCode::InvalidArgument, "invalid value for query parameter \"" + std::string(name) + "\": \"" +
                                                    value + "\" (must be a positive integer)");
    }
    return std::to_string(number);
}

std::string readEndpoint(const std::string& value) {
    if (hasScheme(value)) return value;
    return (isLocalHost(parseEndpoint(value).origin.host) ? "http://" : "https://") + value;
}

void apply(const Parameter& parameter, const std::string& value, OptionValues& options) {
    switch (parameter.reading) {
        case Reading::Secret:
            options.set(parameter.option, Secret(value));
            return;
        case Reading::Text:
            options.set(parameter.option, value);
            return;
        case Reading::Endpoint:
            options.set(parameter.option, readEndpoint(value));
            return;
        case Reading::True:
            options.set(parameter.option, std::string(truth(value == "true")));
            return;
        case Reading::Boolean:
            options.set(parameter.option, std::string(truth(readBoolean(value))));
            return;
        case Reading::Positive:
            options.set(parameter.option, readPositive(parameter.spelling, value));
            return;
    }
}

/// Name -> value, the first one of each name as Go has it.
std::map<std::string, std::string, std::less<>> split(std::string_view query) {
    std::map<std::string, std::string, std::less<>> values;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        const std::string name = unescape(pair.substr(0, equals), true, "query parameter name");
        const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        values.try_emplace(name, unescape(value, true, "query parameter \"" + name + "\""));
    }
    return values;
}

}  // namespace

std::string unescape(std::string_view text, bool plusIsBlank, std::string_view what) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plusIsBlank) {
            plain += ' ';
        } else if (text[i] != '%') {
            plain += text[i];
        } else {
            const int high = i + 2 < text.size() ? hexValue(text[i + 1]) : -1;
            const int low = high < 0 ? -1 : hexValue(text[i + 2]);
            if (low < 0) {
                throw Error(ErrorCode::InvalidArgument,
                            "s3 replica url: invalid percent escape in " + std::string(what));
            }
            plain += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return plain;
}

std::vector<std::string> readUrlQuery(std::string_view query, OptionValues& options) {
    auto values = split(query);
    // In the order of the table reversed, so that of two spellings the first one of the table wins.
    for (auto parameter = std::rbegin(kParameters); parameter != std::rend(kParameters); ++parameter) {
        const auto found = values.find(parameter->spelling);
        if (found == values.end()) continue;
        if (!found->second.empty()) apply(*parameter, found->second, options);
        values.erase(found);
    }
    std::vector<std::string> unknown;
    for (const auto& [name, value] : values) unknown.push_back(name);
    return unknown;
}

}  // namespace litestream::s3
