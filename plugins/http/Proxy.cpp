#include "Proxy.h"

#include "Digest.h"

#include <litestream/Error.h>

#include <Poco/Exception.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/NumberParser.h>
#include <Poco/String.h>
#include <Poco/StringTokenizer.h>
#include <Poco/URI.h>

#include <string_view>

namespace litestream::http {

namespace {

using Poco::Net::IPAddress;

/// True for "10.0.0.0/8" and an address in it.
bool isInNetwork(const std::string& host, const std::string& network) {
    const std::size_t slash = network.find('/');
    IPAddress address;
    IPAddress base;
    unsigned length = 0;
    if (slash == std::string::npos || !IPAddress::tryParse(host, address) || !IPAddress::tryParse(network.substr(0, slash), base) ||
        !Poco::NumberParser::tryParseUnsigned(network.substr(slash + 1), length) || address.family() != base.family() ||
        length > static_cast<unsigned>(address.length()) * 8) {
        return false;
    }
    const IPAddress mask(length, address.family());
    return (address & mask) == (base & mask);
}

/// This machine and its next neighbours, which no proxy can reach for us: loopback, and where clouds tell an instance its credentials.
bool isNear(const std::string& host) {
    IPAddress address;
    if (!IPAddress::tryParse(host, address)) return host == "localhost";
    return address.isLoopback() || isInNetwork(host, "169.254.0.0/16") || isInNetwork(host, "fe80::/10") || isInNetwork(host, "fd00:ec2::/32");
}

/// One item of NO_PROXY: "*", a network, an address, "example.org" with all below it, ".example.org", each maybe with a port.
bool isExcepted(const Origin& origin, std::string item) {
    const std::string host = Poco::toLower(origin.host);
    if (item == "*" || isInNetwork(host, item)) return true;
    const std::string port = ":" + std::to_string(origin.port);
    if (item.ends_with(port) && item.find(':') == item.size() - port.size()) item.resize(item.size() - port.size());
    if (item.starts_with("*.")) item.erase(0, 1);
    if (item.empty()) return false;
    return host == item || host.ends_with(item.front() == '.' ? item : "." + item);
}

bool isExcepted(const Origin& origin, const Environment& environment) {
    if (isNear(Poco::toLower(origin.host))) return true;
    const Poco::StringTokenizer items(firstOf(environment, {"NO_PROXY", "no_proxy"}), ",",
                                      Poco::StringTokenizer::TOK_TRIM | Poco::StringTokenizer::TOK_IGNORE_EMPTY);
    for (const std::string& item : items) {
        if (isExcepted(origin, Poco::toLower(item))) return true;
    }
    return false;
}

}  // namespace

std::optional<Proxy> proxyFor(const Origin& origin, const Environment& environment) {
    const char* const name = origin.tls ? "HTTPS_PROXY" : "HTTP_PROXY";
    std::string text = firstOf(environment, {name, origin.tls ? "https_proxy" : "http_proxy"});
    if (text.empty() || isExcepted(origin, environment)) return std::nullopt;
    if (text.find("://") == std::string::npos) text.insert(0, "http://");
    try {
        const Poco::URI url(text);
        if (url.getScheme() != "http" || url.getHost().empty()) throw Poco::SyntaxException();
        Proxy proxy{url.getHost(), url.getPort(), {}};
        if (!url.getUserInfo().empty()) {
            std::string user;
            Poco::URI::decode(url.getUserInfo(), user);
            proxy.authorization = Secret("Basic " + base64({reinterpret_cast<const unsigned char*>(user.data()), user.size()}));
        }
        return proxy;
    } catch (const Poco::Exception&) {
        // The value may hold a password.
        throw Error(ErrorCode::InvalidArgument,
                    std::string(name) + " is no proxy of the form http://[user:password@]host:port. Correct it or unset it");
    }
}

}  // namespace litestream::http
