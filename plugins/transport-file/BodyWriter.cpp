#include "BodyWriter.h"

#include <vector>

namespace litestream::file {

namespace {

constexpr std::size_t kGathered = 256 * 1024;
constexpr std::size_t kLongRun = 64 * 1024;

}  // namespace

std::uint64_t writeBody(Body& body, TempFile& file, const CallContext& context) {
    const auto total = body.size();
    std::vector<std::byte> gathered;
    std::uint64_t written = 0;
    const auto flush = [&] {
        file.write(gathered);
        gathered.clear();
    };
    for (;;) {
        context.check("put");
        const ConstBytes run = body.next();
        if (run.empty()) break;
        written += run.size();
        // The whole body in one run is the usual case: no copy.
        const bool isWhole = total && run.size() == *total;
        if (run.size() < kLongRun && !isWhole) {
            gathered.insert(gathered.end(), run.begin(), run.end());
            if (gathered.size() >= kGathered) flush();
        } else {
            flush();
            file.write(run);
        }
    }
    flush();
    return written;
}

}  // namespace litestream::file
