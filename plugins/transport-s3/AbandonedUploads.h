#pragma once

#include "Client.h"

#include <litestream/Call.h>
#include <litestream/Plugin.h>

#include <string_view>

namespace litestream::s3 {

/// Makes the store forget what killed processes left unfinished beside the object `key`: multipart uploads that were begun a week ago or earlier, by the
/// store's clock. Their parts take room, and no listing shows them. Uploads of keys deeper down stay, and so does everything beside a key without a '/',
/// where others may have theirs. At most one page of them at a time. What goes wrong is told at level Debug: it can wait until the next long upload.
void abortAbandonedUploads(Client& client, Host& host, std::string_view key, const CallContext& context) noexcept;

}  // namespace litestream::s3
