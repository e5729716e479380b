#include "UrlHost.h"

#include "../base/Endpoint.h"

#include <optional>

namespace litestream::s3 {

namespace {

/// A store whose hosts read [BUCKET.][s3.][REGION.]DOMAIN.
struct Store {
    std::string_view domain;
    bool service;  ///< the label "s3" stands before the region
    bool region;
    std::string_view scheme;
    bool virtualHost;
};

/// Filebase and Scaleway endpoints have no scheme, as in upstream's log lines.
constexpr Store kStores[] = {
    {"digitaloceanspaces.com", false, true, "https://", true},
    {"backblazeb2.com", true, true, "https://", false},
    {"filebase.com", true, false, "", false},
    {"scw.cloud", true, true, "", true},
    {"linodeobjects.com", false, true, "https://", false},
};

/// A host name that is taken apart from its end. Compares without case, gives out text as written.
class Labels {
public:
    explicit Labels(std::string_view host) : rest_(host) {}

    bool drop(std::string_view tail) {
        if (lowerCase(rest_) == tail) {
            rest_ = {};
            return true;
        }
        if (rest_.size() <= tail.size() + 1 || rest_[rest_.size() - tail.size() - 1] != '.') return false;
        if (lowerCase(rest_.substr(rest_.size() - tail.size())) != tail) return false;
        rest_.remove_suffix(tail.size() + 1);
        return true;
    }
    std::string_view last() {
        const std::size_t dot = rest_.rfind('.');
        const std::string_view label = dot == std::string_view::npos ? rest_ : rest_.substr(dot + 1);
        rest_ = dot == std::string_view::npos ? std::string_view{} : rest_.substr(0, dot);
        return label;
    }
    std::string_view rest() const noexcept { return rest_; }

private:
    std::string_view rest_;
};

std::optional<UrlHost> readStore(const Store& store, std::string_view host, std::string_view port) {
    Labels labels(host);
    if (!labels.drop(store.domain)) return std::nullopt;
    // A Space behind its CDN: the same objects, and only the origin takes writes.
    if (!store.service) labels.drop("cdn");
    UrlHost found;
    if (store.region) {
        found.region = lowerCase(labels.last());
        if (found.region.empty()) return std::nullopt;
    }
    if (store.service && !labels.drop("s3")) return std::nullopt;
    found.bucket = labels.rest();
    found.endpoint = std::string(store.scheme) + (store.service ? "s3." : "") + found.region +
                     (store.region ? "." : "") + std::string(store.domain) + std::string(port);
    found.virtualHost = store.virtualHost;
    return found;
}

/// BUCKET.s3.REGION.amazonaws.com and BUCKET.s3.amazonaws.com.
std::optional<UrlHost> readAws(std::string_view host) {
    Labels labels(host);
    if (!labels.drop("amazonaws.com")) return std::nullopt;
    UrlHost found;
    if (!labels.drop("s3")) {
        found.region = lowerCase(labels.last());
        if (!labels.drop("s3")) return std::nullopt;
    }
    if (labels.rest().empty()) return std::nullopt;
    found.bucket = labels.rest();
    return found;
}

/// BUCKET.HOST:PORT, where no .com tells a store that is known by name: upstream's rule for MinIO.
UrlHost readWithPort(std::string_view authority) {
    const std::size_t dot = authority.find('.');
    if (dot == std::string_view::npos) return {};
    return {std::string(authority.substr(0, dot)), "us-east-1", "http://" + std::string(authority.substr(dot + 1)),
            false};
}

/// [BUCKET.]localhost without a port.
std::optional<UrlHost> readLocalhost(std::string_view host) {
    Labels labels(host);
    if (!labels.drop("localhost")) return std::nullopt;
    return UrlHost{std::string(labels.rest()), "us-east-1", "http://localhost", false};
}

}  // namespace

UrlHost readUrlHost(std::string_view authority) {
    if (authority.starts_with('[')) return {};
    const std::size_t colon = authority.find(':');
    const std::string_view host = authority.substr(0, colon);
    const std::string_view port = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
    if (isAddress(std::string(host))) return {};
    if (!port.empty() && lowerCase(authority).find(".com") == std::string::npos) return readWithPort(authority);
    if (const auto found = readAws(host)) return *found;
    for (const Store& store : kStores) {
        if (auto found = readStore(store, host, port)) return *found;
    }
    if (const auto found = readLocalhost(host)) return *found;
    return {std::string(authority), "", "", false};
}

}  // namespace litestream::s3
