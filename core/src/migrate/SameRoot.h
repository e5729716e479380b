#pragma once

#include <litestream/Transport.h>

#include <string>
#include <utility>
#include <vector>

namespace litestream::migrate {

/// A place as a transport describes it.
struct Place {
    std::string transport;  ///< plugin name
    std::vector<std::pair<std::string, std::string>> attributes;  ///< Transport::describe()
};

/// Throws Error(InvalidArgument) when both are the same place, and, with `nested`, when one lies inside the other one. Links in a path that exists on
/// this machine are followed.
void requireDifferentPlaces(const Place& from, const Place& to, bool nested);

}  // namespace litestream::migrate
