#pragma once

#include "Refusals.h"
#include "credentials/Credentials.h"
#include "http/Http.h"
#include "base/Signature.h"
#include "settings/Settings.h"

#include <litestream/Call.h>
#include <litestream/Plugin.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream::s3 {

/// One call of the S3 API.
struct ApiCall {
    std::string operation;        ///< for messages: "put 0000/...-....ltx"
    std::string_view permission;  ///< for messages: "s3:PutObject"
    std::string method;
    std::string key = {};  ///< relative to the replica's root; empty = the bucket itself
    std::vector<std::pair<std::string, std::string>> query = {};  ///< not encoded, in any order
    Headers headers = {};  ///< those of the call only; all of them are signed
    ConstBytes body = {};
    std::chrono::milliseconds patience{8'000};
    int accepted = 0;  ///< a status beyond 2xx that is no failure
};

/// Sends signed requests to one bucket and makes Errors of refusals. It finds out the bucket's region when nobody told it, and learns
/// region and time from a store that corrects them, each once. Thread-safe.
class Client {
public:
    Client(Settings settings, std::shared_ptr<CredentialProvider> credentials, std::shared_ptr<Http> http, Host& host);

    /// An answer with status 2xx or the accepted one. Throws Error otherwise: as errorOf() says, and as Http::exchange() and
    /// CredentialProvider::get() do, with the operation in front.
    Response send(const ApiCall& call, const CallContext& context, MutableBytes sink = {});

    const Settings& settings() const noexcept { return settings_; }

private:
    /// Once more, with other credentials, if the store takes these no more.
    Response attempt(const ApiCall& call, const std::string& region, const std::string& payloadHash, const CallContext& context,
                     MutableBytes sink);
    Response attempt(const ApiCall& call, const std::string& region, const std::string& payloadHash, const Credentials& credentials,
                     const CallContext& context, MutableBytes sink);
    std::string region(const CallContext& context);
    std::string lookUpRegion(const CallContext& context);
    bool adoptRegion(const Refusal& refusal, const std::string& used);
    bool adoptTime(const Refusal& refusal, const Response& response, std::int64_t used);
    std::chrono::seconds clockDifference(const Response& response) const;

    const Settings settings_;
    const std::shared_ptr<CredentialProvider> credentials_;
    const std::shared_ptr<Http> http_;
    Host& host_;
    Signer signer_;
    std::mutex mutex_;    ///< guards region_
    std::string region_;  ///< to sign for, "" = not known yet
    std::atomic<std::int64_t> clockOffset_{0};  ///< seconds that the store's clock is ahead of ours, as far as it matters
};

}  // namespace litestream::s3
