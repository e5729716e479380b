#pragma once

#include "../base/Wire.h"
#include "http/Http.h"
#include "Documents.h"

#include <memory>
#include <utility>

namespace litestream::s3 {

/// Documents over the transport's own connections.
class HttpDocuments final : public Documents {
public:
    explicit HttpDocuments(std::shared_ptr<Http> http) : http_(std::move(http)) {}

    Document fetch(const DocumentRequest& request, const CallContext& context) override;

private:
    const std::shared_ptr<Http> http_;  ///< shared with the transports
};

}  // namespace litestream::s3
