#include "Endpoint.h"

#include <litestream/Error.h>

#include <Poco/Exception.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/URI.h>

#include <cctype>

namespace litestream::s3 {

namespace {

[[noreturn]] void refuse(std::string_view text, const char* why) {
    throw Error(ErrorCode::InvalidArgument, "s3 endpoint \"" + std::string(text) + "\": " + why);
}

/// The number of the second component of a dotted address, -1 when there is none.
int secondNumber(const std::string& host) {
    const std::size_t dot = host.find('.');
    int number = 0;
    std::size_t i = dot + 1;
    for (; i < host.size() && std::isdigit(static_cast<unsigned char>(host[i])) && number < 1000; ++i) {
        number = number * 10 + (host[i] - '0');
    }
    return i == dot + 1 || i >= host.size() || host[i] != '.' ? -1 : number;
}

}  // namespace

std::string lowerCase(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return lower;
}

bool hasScheme(std::string_view endpoint) noexcept {
    return endpoint.find("://") != std::string_view::npos;
}

Endpoint parseEndpoint(std::string_view text) {
    // Before anything that shows the text.
    if (text.find('@') != std::string_view::npos) {
        throw Error(ErrorCode::InvalidArgument,
                    "s3 endpoint holds user information. Give the credentials as access-key-id and secret-access-key");
    }
    Endpoint endpoint;
    try {
        const Poco::URI uri(hasScheme(text) ? std::string(text) : "https://" + std::string(text));
        if (uri.getScheme() != "http" && uri.getScheme() != "https") refuse(text, "wanted http:// or https://");
        if (uri.getHost().empty()) refuse(text, "has no host");
        if (!uri.getRawQuery().empty() || !uri.getFragment().empty()) refuse(text, "must not have a query or fragment");
        endpoint.origin = {uri.getScheme() == "https", lowerCase(uri.getHost()), uri.getPort()};
        endpoint.path = uri.getPathEtc();
    } catch (const Poco::Exception& exception) {
        refuse(text, "is no URL and no host name");
    }
    if (endpoint.origin.host.find_first_of(" \t\r\n") != std::string::npos) refuse(text, "has a blank in its host");
    if (endpoint.origin.port == 0) refuse(text, "has port 0");
    while (endpoint.path.ends_with('/')) endpoint.path.pop_back();
    return endpoint;
}

bool isAddress(const std::string& host) {
    Poco::Net::IPAddress address;
    return Poco::Net::IPAddress::tryParse(host, address);
}

bool isPrivateHost(const std::string& host) {
    if (host == "localhost") return true;
    Poco::Net::IPAddress address;
    if (!Poco::Net::IPAddress::tryParse(host, address)) return false;
    return address.isLoopback() || (address.family() == Poco::Net::IPAddress::IPv4 && address.isSiteLocal());
}

bool isLocalHost(const std::string& host) {
    if (host == "localhost" || host == "127.0.0.1" || host.ends_with(".local") || host.ends_with(".localhost"))
        return true;
    if (host.starts_with("192.168.") || host.starts_with("10.")) return true;
    const int second = host.starts_with("172.") ? secondNumber(host) : -1;
    return second >= 16 && second <= 31;
}

}  // namespace litestream::s3
