#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace litestream {

/// Splits the command line of -exec into words as upstream does, without a shell: blanks separate, '...' is literal,
/// "..." groups, a backslash takes the next character as it is, text inside `...` or $(...) stays one literal word. An
/// unquoted ; & | < > ends the command. No variables, no globs. Throws Error(InvalidArgument) "invalid command line
/// string" for unbalanced quoting or a bare parenthesis.
std::vector<std::string> splitShellWords(std::string_view text);

}  // namespace litestream
