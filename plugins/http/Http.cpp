#include "Http.h"

#include "Connector.h"

#include <litestream/Error.h>

#include <Poco/String.h>

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>

namespace litestream::http {

namespace {

using Clock = Connection::Clock;
using Kind = ConnectionFailure::Kind;

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

std::string agent() {
    utsname system{};
    const bool known = ::uname(&system) == 0;
    return std::string("litestream/" LITESTREAM_VERSION " (cpp; linux; ") + (known ? system.machine : "unknown") + ")";
}

bool has(const Headers& headers, std::string_view name) {
    return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return Poco::toLower(header.first) == name; });
}

Request completed(const Request& request, const Origin& origin, const std::optional<Proxy>& proxy) {
    static const std::string userAgent = agent();
    Request whole = request;
    if (!has(whole.headers, "host")) whole.headers.emplace(whole.headers.begin(), "Host", authority(origin));
    if (!has(whole.headers, "user-agent")) whole.headers.emplace_back("User-Agent", userAgent);
    if (proxy && !origin.tls && !proxy->authorization.empty()) {
        whole.headers.emplace_back("Proxy-Authorization", proxy->authorization.reveal());
    }
    return whole;
}

Error errorOf(const ConnectionFailure& failure, const Origin& origin, const Request& request, const HttpSettings& settings) {
    std::string method = request.method;
    for (std::size_t i = 1; i < method.size(); ++i) method[i] = static_cast<char>(std::tolower(static_cast<unsigned char>(method[i])));
    std::string text = "send request failed: " + method + " \"" + urlOf(origin) + request.target.substr(0, request.target.find('?')) +
                       "\": " + failure.what();
    switch (failure.kind()) {
        case Kind::Cancelled: return {ErrorCode::Cancelled, text};
        case Kind::Untrusted:
            return {ErrorCode::Denied, text + ". Correct the endpoint, or name its authority's certificate in " +
                                           (settings.bundleVariable == nullptr ? "SSL_CERT_FILE" : settings.bundleVariable)};
        case Kind::Lost:
        case Kind::Silent: break;
    }
    return {ErrorCode::Transient, text};
}

}  // namespace

std::string_view Response::header(std::string_view name) const noexcept {
    const auto isSame = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    for (const auto& [header, value] : headers) {
        if (std::equal(header.begin(), header.end(), name.begin(), name.end(), isSame)) return value;
    }
    return {};
}

std::string authority(const Origin& origin) {
    const bool isUsual = origin.port == (origin.tls ? 443 : 80);
    return bracketed(origin.host) + (isUsual ? "" : ":" + std::to_string(origin.port));
}

std::string urlOf(const Origin& origin) { return (origin.tls ? "https://" : "http://") + authority(origin); }

/// The idle connections, and the way to new ones.
class Http::Pool {
public:
    explicit Pool(HttpSettings settings) : settings_(settings), connector_(settings) {}

    Response exchange(const Origin& origin, const TlsPolicy& policy, const Request& request, const CallContext& context,
                      MutableBytes sink);

private:
    using Key = std::pair<std::string, bool>;  // URL of the origin, verified or not
    using Idle = std::vector<std::unique_ptr<Connection>>;

    std::unique_ptr<Connection> take(const Key& key);
    void give(const Key& key, std::unique_ptr<Connection> connection);
    void forget(const Key& key);
    bool isFresh(const Connection& connection) const;

    const HttpSettings settings_;
    Connector connector_;
    std::mutex mutex_;  ///< guards idle_
    std::map<Key, Idle> idle_;
};

bool Http::Pool::isFresh(const Connection& connection) const {
    auto limit = settings_.idle;
    // A second for the way of a request that leaves at the last moment.
    if (const auto server = connection.serverIdle(); server > std::chrono::seconds(0)) {
        limit = std::min<std::chrono::milliseconds>(limit, server - std::chrono::seconds(1));
    }
    return Clock::now() - connection.idleSince < limit;
}

/// The youngest that still lives; dead ones go on the way.
std::unique_ptr<Connection> Http::Pool::take(const Key& key) {
    Idle stale;  // closed outside the lock
    std::unique_ptr<Connection> connection;
    std::lock_guard lock(mutex_);
    const auto found = idle_.find(key);
    if (found == idle_.end()) return nullptr;
    Idle& idle = found->second;
    while (connection == nullptr && !idle.empty()) {
        connection = std::move(idle.back());
        idle.pop_back();
        if (!isFresh(*connection) || !connection->isQuiet()) stale.push_back(std::exchange(connection, nullptr));
    }
    return connection;
}

void Http::Pool::give(const Key& key, std::unique_ptr<Connection> connection) {
    connection->idleSince = Clock::now();
    Idle stale;  // closed outside the lock
    std::lock_guard lock(mutex_);
    for (auto& [origin, idle] : idle_) {
        const auto end = std::stable_partition(idle.begin(), idle.end(), [&](const auto& item) { return isFresh(*item); });
        std::move(end, idle.end(), std::back_inserter(stale));
        idle.erase(end, idle.end());
    }
    Idle& idle = idle_[key];
    idle.push_back(std::move(connection));
    if (idle.size() > settings_.maxIdle) {
        stale.push_back(std::move(idle.front()));
        idle.erase(idle.begin());
    }
}

void Http::Pool::forget(const Key& key) {
    Idle stale;
    std::lock_guard lock(mutex_);
    if (const auto found = idle_.find(key); found != idle_.end()) stale.swap(found->second);
}

Response Http::Pool::exchange(const Origin& origin, const TlsPolicy& policy, const Request& request, const CallContext& context,
                              MutableBytes sink) {
    const Key key(urlOf(origin), policy.verify);
    const std::optional<Proxy> proxy = proxyFor(origin);
    Request whole = completed(request, origin, proxy);
    const std::string target = proxy && !origin.tls ? urlOf(origin) + request.target : request.target;
    for (;;) {
        std::unique_ptr<Connection> connection = take(key);
        const bool isReused = connection != nullptr;
        try {
            Pace pace(context, request.patience);
            pace.check();
            if (!isReused) connection = connector_.connect(origin, policy, proxy, context);
            pace.moved();
            Response response;
            {
                const auto guard = shutDownOnCancel(connection->descriptor(), context);
                response = connection->exchange(whole, target, pace, sink);
            }
            if (!isReused) connector_.remember(origin, policy, *connection);
            if (connection->reusable()) give(key, std::move(connection));
            return response;
        } catch (const ConnectionFailure& failure) {
            if (!isReused || failure.kind() != Kind::Lost || connection->answered()) throw errorOf(failure, origin, request, settings_);
            // Whatever ended this one has most likely ended the others that were idle with it.
            forget(key);
            if (whole.stream != nullptr) whole.stream->rewind();
        }
    }
}

Http::Http(HttpSettings settings) : pool_(std::make_unique<Pool>(settings)) {}
Http::~Http() = default;

Response Http::exchange(const Origin& origin, const TlsPolicy& tls, const Request& request, const CallContext& context,
                        MutableBytes sink) {
    return pool_->exchange(origin, tls, request, context, sink);
}

}  // namespace litestream::http
