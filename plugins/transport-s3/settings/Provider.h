#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream::s3 {

/// What a store wants differently, where the user did not say so.
struct ProviderDefaults {
    bool contentMd5 = true;
    unsigned concurrency = 5;
    /// Go with every request, whatever the user said.
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Recognises the store by the host of its endpoint, in lower case ("" is AWS itself).
ProviderDefaults providerOf(std::string_view host);

}  // namespace litestream::s3
