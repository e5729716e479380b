#include "util/ShellWords.h"

#include <litestream/Error.h>

#include <utility>

namespace litestream {
namespace {

/// Reads a command line from front to back, one character at a time.
class Splitter {
public:
    explicit Splitter(std::string_view text) : rest_(text) {}

    std::vector<std::string> run() {
        while (!rest_.empty() && step(take())) {
        }
        endWord();
        return std::move(words_);
    }

private:
    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    /// Returns false where the command ends.
    bool step(char c) {
        switch (c) {
            case ' ':
            case '\t':
            case '\r':
            case '\n':
                endWord();
                return true;
            case ';':
            case '&':
            case '|':
            case '<':
            case '>':
                return false;
            case '(':
                refuse();
            case '\'':
                append(takeUntil('\''));
                return true;
            case '"':
                doubleQuoted();
                return true;
            case '`':
                append('`' + takeUntil('`') + '`');
                return true;
            case '$':
                dollar();
                return true;
            case '\\':
                escaped();
                return true;
            default:
                append({c});
                return true;
        }
    }

    void dollar() {
        if (!rest_.starts_with('(')) {
            append("$");
            return;
        }
        take();
        append("$(" + takeUntil(')') + ")");
    }

    void doubleQuoted() {
        append("");
        while (!rest_.empty()) {
            const char c = take();
            if (c == '"') return;
            if (c == '\\') {
                escaped();
            } else {
                append({c});
            }
        }
        refuse();
    }

    void escaped() {
        if (rest_.empty()) refuse();
        append({take()});
    }

    std::string takeUntil(char end) {
        const std::size_t length = rest_.find(end);
        if (length == std::string_view::npos) refuse();
        std::string taken(rest_.substr(0, length));
        rest_.remove_prefix(length + 1);
        return taken;
    }

    void append(const std::string& text) {
        word_ += text;
        inWord_ = true;  // "" is a word too
    }

    void endWord() {
        if (inWord_) words_.push_back(std::exchange(word_, {}));
        inWord_ = false;
    }

    [[noreturn]] static void refuse() { throw Error(ErrorCode::InvalidArgument, "invalid command line string"); }

    std::string_view rest_;
    std::string word_;
    bool inWord_ = false;
    std::vector<std::string> words_;
};

}  // namespace

std::vector<std::string> splitShellWords(std::string_view text) {
    return Splitter(text).run();
}

}  // namespace litestream
