#include "Trail.h"

#include "Expect.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <typeinfo>

namespace litestream::conformance {

namespace {

std::mutex sharedMutex;  // guards the two below
char* sharedPlace = nullptr;
std::size_t sharedSize = 0;

std::string currentTypeName() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type == nullptr) return "something unknown";
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status),
                                                           &std::free);
    return status == 0 ? name.get() : type->name();
}

}  // namespace

Trail& trail() {
    thread_local Trail own;
    return own;
}

void shareOperations(char* place, std::size_t size) {
    const std::lock_guard lock(sharedMutex);
    sharedPlace = place;
    sharedSize = size;
}

void beginOperation(std::string operation) {
    {
        const std::lock_guard lock(sharedMutex);
        if (sharedPlace != nullptr) {
            const std::size_t length = std::min(operation.size(), sharedSize - 1);
            std::memcpy(sharedPlace, operation.data(), length);
            sharedPlace[length] = '\0';
        }
    }
    trail() = {std::move(operation), {}, false};
}

void endsWith(const Error& error) {
    trail().failure = inWords(error);
}

void endsWithForeign() {
    trail().foreign = true;
    try {
        throw;
    } catch (const std::exception& error) {
        trail().failure = currentTypeName() + ": " + error.what();
    } catch (...) {
        trail().failure = "something of the type " + currentTypeName();
    }
    throw ForeignException{};
}

}  // namespace litestream::conformance
