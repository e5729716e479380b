#include "util/NearestName.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace litestream {
namespace {

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
std::size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> older(b.size() + 1);
    std::vector<std::size_t> old(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        older.swap(old);
        old.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({old[j] + 1, row[j - 1] + 1, old[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], older[j - 2] + 1);
        }
    }
    return row[b.size()];
}

}  // namespace

std::string nearestName(std::string_view text, std::span<const std::string> names) {
    std::string nearest;
    // More than a third of the letters changed is another word, not a slip.
    std::size_t limit = std::max<std::size_t>(text.size() / 3, 1) + 1;
    for (const std::string& name : names) {
        const std::size_t distance = editDistance(text, name);
        if (distance < limit) {
            nearest = name;
            limit = distance;
        }
    }
    return nearest;
}

}  // namespace litestream
