#pragma once

#include <string>
#include <string_view>

/// Text as Go's standard library writes it, because scripts parse upstream's output.
namespace litestream {

/// Appends `text` in double quotes with Go's escapes: \n, \x7f, \u00a0; printable characters stay.
void appendGoQuoted(std::string& out, std::string_view text);
std::string goQuoted(std::string_view text);

/// True when a value of a log line in text form has to be quoted.
bool needsQuoting(std::string_view text);

enum class JsonEscape {
    Plain,  ///< what JSON demands
    Html,   ///< and < > & as well, as Go's encoder does by default
};

/// Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
void appendJsonString(std::string& out, std::string_view text, JsonEscape escape);

}  // namespace litestream
