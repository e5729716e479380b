#pragma once

#include <litestream/Error.h>

#include <exception>
#include <string>
#include <utility>

namespace litestream::conformance {

/// What a thread asked the plugin for last and how that ended, for the report of a call that nobody expected to fail.
struct Trail {
    std::string operation;  ///< "put ltx/0/a"
    std::string failure;    ///< "Error(transient): ..."; empty when it went well
    bool foreign = false;   ///< what was thrown is no litestream::Error
};

/// The calling thread's own.
Trail& trail();

/// What ends a test whose plugin threw something that is no Error. No std::exception, so that nobody takes it for the plugin's.
struct ForeignException {};

/// Where another process may read the operation that this process began last: it is told when this one dies or hangs. `place` has
/// `size` bytes and stays for ever.
void shareOperations(char* place, std::size_t size);

void beginOperation(std::string operation);
void endsWith(const Error& error);
/// In a catch block: notes what is being handled and throws ForeignException.
[[noreturn]] void endsWithForeign();

/// Runs one call of the plugin and leaves a trail.
template <class Action>
decltype(auto) witnessed(std::string operation, Action&& action) {
    beginOperation(std::move(operation));
    try {
        return action();
    } catch (const Error& error) {
        endsWith(error);
        throw;
    } catch (const ForeignException&) {
        throw;
    } catch (...) {
        endsWithForeign();
    }
}

}  // namespace litestream::conformance
