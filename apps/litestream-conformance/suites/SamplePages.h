#pragma once

#include <string>
#include <vector>

namespace litestream::conformance {

/// The eight page sizes of SQLite, ascending.
std::vector<std::size_t> pageSizes();

/// What pages look like: empty, all ones, incompressible, regular, text, and a b-tree page with its hole in the middle.
std::vector<std::string> samplePages(std::size_t size);

/// The page of text among them.
std::string textPage(std::size_t size);

}  // namespace litestream::conformance
