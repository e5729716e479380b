#pragma once

#include <litestream/Call.h>

#include <string>
#include <utility>
#include <vector>

namespace litestream::s3 {

/// A request for a small document from one of the services that give out credentials.
struct DocumentRequest {
    std::string method;
    std::string url;  ///< http:// or https://, encoded
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

struct Document {
    int status = 0;
    std::string body;
};

/// The network, as credential sources see it. Thread-safe.
class Documents {
public:
    virtual ~Documents() = default;

    /// One exchange, whatever the answer's status. Throws Error(Transient) when there is no answer.
    virtual Document fetch(const DocumentRequest& request, const CallContext& context) = 0;
};

}  // namespace litestream::s3
