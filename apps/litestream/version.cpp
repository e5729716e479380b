#include "common/Setup.h"
#include "litestream/Command.h"

#include <sys/utsname.h>
#include <iostream>

namespace litestream::cli {

void version(Arguments arguments) {
    bool verbose = false;
    const std::vector<flags::Flag> flags{{"verbose", &verbose, "", "say also what built it and for which machine"}};
    parseFlags({"Prints the version.", {"litestream version [flags]"}}, flags, arguments);
    if (!verbose) {
        std::cout << app::version() << "\n";
        return;
    }
    utsname machine{};
    ::uname(&machine);
    std::cout << "Version:   " << app::version() << "\nCompiler:  " << __VERSION__ << "\nOS/Arch:   " << machine.sysname
              << "/" << machine.machine << "\n";
}

}  // namespace litestream::cli
