#include "HttpDocuments.h"

#include "http/Digest.h"
#include "../base/Endpoint.h"

namespace litestream::s3 {

Document HttpDocuments::fetch(const DocumentRequest& request, const CallContext& context) {
    const std::size_t question = request.url.find('?');
    // The slash at the end of a path means something to these services.
    const std::string address = request.url.substr(0, question);
    const Origin origin = parseEndpoint(address).origin;
    const std::size_t path = address.find('/', address.find("://") + 3);
    std::string target = path == std::string::npos ? "/" : address.substr(path);
    if (question != std::string::npos) target += request.url.substr(question);
    Response response = http_->exchange(
        origin, {},
        {.method = request.method, .target = target, .headers = request.headers, .body = bytesOf(request.body)},
        context);
    return {response.status, std::move(response.body)};
}

}  // namespace litestream::s3
