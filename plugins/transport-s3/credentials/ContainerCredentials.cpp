#include "ContainerCredentials.h"

#include "../base/Endpoint.h"
#include "../base/TextFile.h"
#include "CredentialText.h"

#include <litestream/Error.h>

#include <Poco/Net/IPAddress.h>

#include <algorithm>

namespace litestream::s3 {

namespace {

constexpr const char* kWhat = "container credentials";

/// Keys come back from there, so plain http must not leave the machine.
bool mayBePlain(const std::string& host) {
    constexpr const char* kServices[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"};
    if (std::find(std::begin(kServices), std::end(kServices), host) != std::end(kServices)) return true;
    Poco::Net::IPAddress address;
    return Poco::Net::IPAddress::tryParse(host, address) && address.isLoopback();
}

}  // namespace

std::string ContainerCredentials::url() const {
    if (const std::string path = firstOf(environment_, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"}); !path.empty()) {
        return "http://169.254.170.2" + path;
    }
    std::string url = firstOf(environment_, {"AWS_CONTAINER_CREDENTIALS_FULL_URI"});
    if (url.empty()) return url;
    const Origin origin = parseEndpoint(url.substr(0, url.find('?'))).origin;
    if (!origin.tls && !mayBePlain(origin.host)) {
        throw Error(ErrorCode::Denied,
                    std::string(kWhat) + ": AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or on this machine");
    }
    return url;
}

Secret ContainerCredentials::token() const {
    const std::string file = firstOf(environment_, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"});
    if (!file.empty()) return readSecretFile(file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    return Secret(firstOf(environment_, {"AWS_CONTAINER_AUTHORIZATION_TOKEN"}));
}

std::optional<Credentials> ContainerCredentials::fetch(const CallContext& context) {
    DocumentRequest request{"GET", url(), {{"Accept", "application/json"}}, ""};
    if (request.url.empty()) return std::nullopt;
    if (const Secret given = token(); !given.empty()) request.headers.emplace_back("Authorization", given.reveal());
    Document answer = documents_.fetch(request, context);
    if (answer.status != 200) {
        throw Error(answer.status >= 500 || answer.status == 429 ? ErrorCode::Transient : ErrorCode::Denied,
                    std::string(kWhat) + ": the endpoint answered " + std::to_string(answer.status));
    }
    return credentialsFromJson(Secret(std::move(answer.body)), "Token", kWhat);
}

}  // namespace litestream::s3
