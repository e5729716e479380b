#pragma once

#include <litestream/Error.h>

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

/// What the suites say instead of EXPECT_EQ: each failure is told as what was done, what was seen and what the contract wants, in words
/// that the author of a plugin can use without the suite's source. All of it may be called from any thread.
namespace litestream::conformance {

/// A clause is not kept. Fails the test; goes on.
void violated(const std::string& done, const std::string& seen, const std::string& expected);

// Values in words.
std::string inWords(std::string_view text);
std::string inWords(const std::string& text);
std::string inWords(const char* text);
std::string inWords(bool value);
std::string inWords(ErrorCode code);
std::string inWords(const std::vector<std::string>& items);
template <std::integral Integer>
std::string inWords(Integer value) {
    return std::to_string(value);
}

/// "Error(not found): get a: no such object"
std::string inWords(const Error& error);

template <class Seen, class Expected>
bool expectSame(const std::string& done, const Seen& seen, const Expected& expected) {
    if (seen == expected) return true;
    violated(done, inWords(seen), inWords(expected));
    return false;
}

/// Long content is told by its length and the first byte that differs.
bool expectBytes(const std::string& done, std::string_view seen, std::string_view expected);

inline bool expectTrue(const std::string& done, bool holds, const std::string& seen, const std::string& expected) {
    if (!holds) violated(done, seen, expected);
    return holds;
}

/// `action` has to throw an Error of this class.
template <class Action>
bool expectError(const std::string& done, ErrorCode code, Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        if (error.code() == code) return true;
        violated(done, inWords(error), "Error(" + inWords(code) + ")");
        return false;
    }
    violated(done, "success", "Error(" + inWords(code) + ")");
    return false;
}

/// `action` has to throw an Error, whatever its class.
template <class Action>
bool expectAnyError(const std::string& done, const std::string& expected, Action&& action) {
    try {
        action();
    } catch (const Error&) {
        return true;
    }
    violated(done, "success", expected);
    return false;
}

/// The code of the Error that `action` throws; fails the test when it throws none.
template <class Action>
ErrorCode codeOf(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    violated("a call that must fail", "success", "Error");
    return ErrorCode::Unsupported;
}

}  // namespace litestream::conformance
