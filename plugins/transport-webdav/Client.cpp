#include "Client.h"

#include "Refusals.h"
#include "http/Encode.h"

#include <litestream/Error.h>

#include <algorithm>
#include <utility>

namespace litestream::webdav {

namespace {

/// A challenge, a newer one, and one that another thread has used up.
constexpr int kMostAttempts = 4;

bool isSuccess(const DavCall& call, const http::Response& response) {
    if (std::find(call.accepted.begin(), call.accepted.end(), response.status) != call.accepted.end()) return true;
    return response.status == 207 ? call.method == "PROPFIND" : response.succeeded();
}

}  // namespace

Client::Client(Settings settings, std::shared_ptr<http::Http> http)
    : settings_(std::move(settings)),
      http_(std::move(http)),
      authorization_(settings_.username, settings_.password, settings_.origin.tls) {}

std::string Client::pathOf(std::string_view key) const {
    return settings_.root + "/" + http::percentEncode(key, true);
}

http::Response Client::send(const DavCall& call, const CallContext& context, MutableBytes sink) {
    try {
        http::Response response = exchange(call, context, sink);
        if (isSuccess(call, response)) return response;
        throw errorOf(response, call.operation, call.path, !settings_.username.empty());
    } catch (const Error& error) {
        if (std::string_view(error.what()).starts_with(call.operation)) throw;
        throw error.within(call.operation);
    }
}

/// Once more where the server wants another kind of login than it got.
http::Response Client::exchange(const DavCall& call, const CallContext& context, MutableBytes sink) {
    for (int attempt = 1;; ++attempt) {
        const std::string login = authorization_.header(call.method, call.path);
        http::Request request{.method = call.method,
                              .target = call.path,
                              .headers = call.headers,
                              .body = call.body,
                              .stream = call.stream,
                              .reader = call.reader,
                              .patience = call.patience};
        if (!login.empty()) request.headers.emplace_back("Authorization", login);
        http::Response response = http_->exchange(settings_.origin, settings_.tls, request, context, sink);
        if (response.status != 401 || attempt == kMostAttempts || !authorization_.learn(response, login))
            return response;
        if (call.stream != nullptr) call.stream->rewind();
    }
}

}  // namespace litestream::webdav
