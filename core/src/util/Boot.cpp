#include "util/Boot.h"

#include <exception>
#include <fstream>
#include <string>

namespace litestream {

std::uint64_t bootIdentity() {
    static const std::uint64_t kIdentity = [] {
        // A UUID in text. Where the kernel tells none, every boot looks like the same one.
        std::ifstream file("/proc/sys/kernel/random/boot_id");
        std::string digits;
        for (char c = 0; digits.size() < 16 && file.get(c);) {
            if (c != '-') digits.push_back(c);
        }
        try {
            return std::stoull("0" + digits, nullptr, 16) | 1;
        } catch (const std::exception&) {
            return 1ull;
        }
    }();
    return kIdentity;
}

}  // namespace litestream
