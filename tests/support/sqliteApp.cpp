/// An application for the tests: opens the database given as argument and runs one SQL script per input line. Answers each with
/// "<result code> <first column of the last row>". A line "loop <milliseconds> <script>" repeats the script until
/// the time is up and answers with "<code of the first failure or 0> <runs> <longest run in microseconds>".

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

int keepFirstColumn(void* text, int count, char** values, char**) {
    *static_cast<std::string*>(text) = count > 0 && values[0] != nullptr ? values[0] : "";
    return 0;
}

int run(sqlite3* database, const std::string& script, std::string& text) {
    text.clear();
    return sqlite3_exec(database, script.c_str(), &keepFirstColumn, &text, nullptr);
}

void loop(sqlite3* database, std::istringstream line) {
    std::string word;
    long milliseconds = 0;
    line >> word >> milliseconds;
    std::string script;
    std::getline(line, script);
    std::string text;
    int failure = SQLITE_OK;
    long runs = 0;
    Clock::duration longest{};
    const auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (Clock::now() < deadline) {
        const auto begun = Clock::now();
        const int rc = run(database, script, text);
        longest = std::max(longest, Clock::now() - begun);
        if (failure == SQLITE_OK) failure = rc;
        ++runs;
    }
    std::cout << failure << ' ' << runs << ' ' << std::chrono::duration_cast<std::chrono::microseconds>(longest).count()
              << std::endl;
}

}  // namespace

int main(int count, char** arguments) {
    sqlite3* database = nullptr;
    if (count != 2 || sqlite3_open(arguments[1], &database) != SQLITE_OK) return 1;
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line.rfind("loop ", 0) == 0) {
            loop(database, std::istringstream(line));
            continue;
        }
        std::string text;
        const int rc = run(database, line, text);
        std::cout << rc << ' ' << text << std::endl;
    }
    sqlite3_close(database);
    return 0;
}
