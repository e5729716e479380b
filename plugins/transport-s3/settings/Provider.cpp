#include "Provider.h"

namespace litestream::s3 {

// Upstream knows more stores by name (Spaces, Backblaze, Filebase, Scaleway, Hetzner, Supabase, MinIO): what it sets
// for them, signed payloads and path style, any endpoint gets here.
ProviderDefaults providerOf(std::string_view host) {
    ProviderDefaults defaults;
    if (host == "fly.storage.tigris.dev" || host == "t3.storage.dev") {
        defaults.contentMd5 = false;
        defaults.headers.emplace_back("X-Tigris-Consistent", "true");
    } else if (host.ends_with(".r2.cloudflarestorage.com")) {
        defaults.concurrency = 2;
    }
    return defaults;
}

}  // namespace litestream::s3
