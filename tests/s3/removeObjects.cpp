// removeObjects URL KEY...: removes objects of a replica through the plugin and everything that core puts around it, as one call. For the
// fault tests, which want a deletion at a moment of their own choice.

#include "config/Resolve.h"
#include "plugin/Registry.h"
#include "transport/Compose.h"

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
    using namespace litestream;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() < 2) {
        std::cerr << "usage: removeObjects URL KEY...\n";
        return 2;
    }
    const auto registry = plugin::Registry::load(plugin::Registry::searchPath({}));
    const engine::ReplicaOptions replica = config::resolve(config::replicaFromUrl(arguments.front()), *registry);
    const auto store = transport::open(*registry, replica.transport, replica.options);
    const auto failures = store->remove(std::span(arguments).subspan(1), CallContext::within(std::chrono::minutes(2)));
    for (const RemoveFailure& failure : failures) std::cerr << failure.key << ": " << failure.reason << '\n';
    return failures.empty() ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
