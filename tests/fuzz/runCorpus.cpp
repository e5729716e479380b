/// Runs a fuzz function over every file below a directory and over repeatable mutations of each:
///     runCorpus DIRECTORY MUTATIONS-PER-FILE
/// A crash leaves the offending bytes in fuzz-crash.bin in the working directory.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

Input current;

void saveCurrent(int signal) {
    std::ofstream("fuzz-crash.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(current.data()), static_cast<std::streamsize>(current.size()));
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void run(Input input) {
    // Moved into a buffer of exactly its size: a sanitizer then sees every step beyond the end.
    current = std::move(input);
    current.shrink_to_fit();
    LLVMFuzzerTestOneInput(current.data(), current.size());
}

/// One to four small damages: what a disk, a network or an attacker would do to a file.
Input mutate(Input input, std::mt19937& random) {
    static constexpr std::uint8_t kValues[] = {0, 1, 0x7f, 0x80, 0xff};
    const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
    for (auto round = 1 + below(4); round > 0 && !input.empty(); --round) {
        // Half of the damage hits the header, the tail or the first frames, where the structure is.
        const std::size_t reach = std::min<std::size_t>(input.size(), 200);
        const std::size_t at = below(2) == 0   ? below(input.size())
                               : below(2) == 0 ? below(reach)
                                               : input.size() - 1 - below(reach);
        const auto from = input.begin() + static_cast<std::ptrdiff_t>(at);
        const auto length = static_cast<std::ptrdiff_t>(1 + below(std::min<std::size_t>(16, input.size() - at)));
        switch (below(6)) {
            case 0:
                *from ^= static_cast<std::uint8_t>(1u << below(8));
                break;
            case 1:
                *from = kValues[below(std::size(kValues))];
                break;
            case 2:
                std::fill(from, from + length, kValues[below(std::size(kValues))]);
                break;
            case 3:
                input.erase(from, from + length);
                break;
            case 4: {
                const Input copy(from, from + length);
                input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size())), copy.begin(),
                             copy.end());
                break;
            }
            default:
                input.resize(at);
                break;
        }
    }
    return input;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY MUTATIONS-PER-FILE\n";
        return 2;
    }
    std::signal(SIGABRT, saveCurrent);
    std::signal(SIGSEGV, saveCurrent);
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    const long mutations = std::strtol(argv[2], nullptr, 10);
    std::mt19937 random(1);
    std::size_t runs = 0;
    for (const auto& path : files) {
        std::ifstream stream(path, std::ios::binary);
        const Input original{std::istreambuf_iterator<char>(stream), {}};
        run(original);
        for (long i = 0; i < mutations; ++i) run(mutate(original, random));
        runs += 1 + static_cast<std::size_t>(mutations);
    }
    std::cout << runs << " inputs from " << files.size() << " files\n";
    return files.empty() ? 1 : 0;
}
