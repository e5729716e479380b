#include "litestream-conformance/ReportListener.h"

#include "litestream-conformance/suites/Trail.h"

#include <string>

namespace litestream::conformance {

namespace {

/// The text behind `label` up to `next`, or to the end.
std::string part(const std::string& text, const std::string& label, const std::string& next) {
    const std::size_t at = text.find(label);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + label.size();
    const std::size_t end = next.empty() ? std::string::npos : text.find(next, begin);
    return text.substr(begin, end == std::string::npos ? end : end - begin);
}

/// GTest puts its own word in a line before ours.
std::string withoutHeading(const std::string& message) {
    const std::size_t line = message.find('\n');
    return line == std::string::npos ? message : message.substr(line + 1);
}

}  // namespace

void ReportListener::OnTestPartResult(const testing::TestPartResult& result) {
    const std::string message = result.message();
    if (result.skipped()) return writer_.send({"skipped", withoutHeading(message)});
    if (result.passed()) return;
    // What suites/Expect.cpp says.
    if (const std::string done = part(message, "done: ", "\nseen: "); !done.empty()) {
        return writer_.send(
            {"observation", done, part(message, "\nseen: ", "\nexpected: "), part(message, "\nexpected: ", "")});
    }
    // Otherwise an exception ended the test: the last call on this thread.
    const Trail& last = trail();
    if (last.foreign) return writer_.send({"foreign", last.operation, last.failure});
    if (!last.failure.empty()) return writer_.send({"observation", last.operation, last.failure, "success"});
    writer_.send({"observation", last.operation, message, "success"});
}

}  // namespace litestream::conformance
