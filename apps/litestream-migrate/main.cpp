// litestream-migrate [flags] FROM TO: copies a replica to another place (docs/migrate.md).

#include "common/Setup.h"
#include "litestream-migrate/Run.h"
#include "util/GoFlags.h"

#include <algorithm>
#include <iostream>
#include <vector>

int main(int argc, char** argv) {
    using namespace litestream;
    using migrate_app::ExitCode;
    const auto code = [](ExitCode exit) { return static_cast<int>(exit); };
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    if (words.size() == 1 && (words[0] == "-version" || words[0] == "--version")) {
        std::cout << app::version() << "\n";
        return code(ExitCode::Complete);
    }
    app::adoptCredentials();
    try {
        const ExitCode exit = migrate_app::run(migrate_app::parseArguments(words));
        std::cout.flush();
        if (std::cout) return code(exit);
        std::cerr << "Error: cannot write to stdout\n";
    } catch (const migrate_app::UsageError&) {
        return code(ExitCode::Usage);
    } catch (const flags::HelpRequested&) {
        return code(ExitCode::Complete);
    } catch (const std::exception& error) {
        std::cerr << "Error: " << error.what() << "\n";
    }
    return code(ExitCode::Failed);
}
