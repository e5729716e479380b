#pragma once

#include <initializer_list>
#include <ostream>
#include <string>
#include <vector>

namespace litestream {

/// A table for people and scripts: each column as wide as its widest cell plus two blanks, the last cell not padded.
/// The header is printed even when there is no row.
class Table {
public:
    explicit Table(std::vector<std::string> header);
    /// Has as many cells as the header.
    void add(std::vector<std::string> row);
    void print(std::ostream& out) const;

private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace litestream
