#pragma once

#include "Authorization.h"
#include "Settings.h"
#include "http/Http.h"

#include <litestream/Transport.h>

#include <chrono>
#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <vector>

namespace litestream::webdav {

/// One request to the server.
struct DavCall {
    std::string operation;  ///< for messages: "put ltx/0/...-....ltx"
    std::string method;
    std::string path;  ///< encoded, Client::pathOf()
    http::Headers headers = {};
    ConstBytes body = {};
    Body* stream = nullptr;
    std::function<void(std::istream&)> reader = {};
    std::vector<int> accepted = {};  ///< statuses beyond success that are no failure
    std::chrono::milliseconds patience{30'000};
};

/// Sends requests to one server and makes Errors of refusals. Thread-safe.
class Client {
public:
    Client(Settings settings, std::shared_ptr<http::Http> http);

    /// The path of a key below the replica's root, as requests have it. "" is the root itself, a folder ends with '/'.
    std::string pathOf(std::string_view key) const;

    /// A successful answer or one with an accepted status. 207, which may hold anything, is a success of PROPFIND only. Throws Error
    /// otherwise: as errorOf() says, and as Http::exchange() does, with the operation in front.
    http::Response send(const DavCall& call, const CallContext& context, MutableBytes sink = {});

    const Settings& settings() const noexcept { return settings_; }

private:
    http::Response exchange(const DavCall& call, const CallContext& context, MutableBytes sink);

    const Settings settings_;
    const std::shared_ptr<http::Http> http_;  ///< shared by all transports of the process
    Authorization authorization_;
};

}  // namespace litestream::webdav
