#include "Sts.h"

#include "http/Digest.h"
#include "http/Encode.h"
#include "../base/Endpoint.h"
#include "../base/Signature.h"
#include "CredentialText.h"

#include <litestream/Error.h>

#include <Poco/AutoPtr.h>
#include <Poco/DOM/DOMParser.h>
#include <Poco/DOM/Document.h>
#include <Poco/DOM/NodeList.h>
#include <Poco/Exception.h>

namespace litestream::s3 {

namespace {

void addField(std::string& form, const char* name, const std::string& value) {
    if (value.empty()) return;
    form.append("&").append(name).append("=").append(percentEncode(value, false));
}

/// The first element of that name; "" when there is none, or no XML.
class Answer {
public:
    explicit Answer(const std::string& xml) {
        try {
            Poco::XML::DOMParser parser;
            document_ = parser.parseString(xml);
        } catch (const Poco::Exception&) {
            // What it says may quote the text.
        }
    }
    std::string text(const char* name) const {
        if (!document_) return {};
        const Poco::AutoPtr<Poco::XML::NodeList> found(document_->getElementsByTagName(name));
        return found->length() == 0 ? std::string() : found->item(0)->innerText();
    }

private:
    Poco::AutoPtr<Poco::XML::Document> document_;
};

}  // namespace

std::string Sts::regionOf(const Role& role) const {
    return role.region.empty() ? firstOf(environment_, {"AWS_REGION", "AWS_DEFAULT_REGION"}) : role.region;
}

DocumentRequest Sts::request(const char* action, const Role& role) const {
    std::string url = firstOf(environment_, {"AWS_ENDPOINT_URL_STS"});
    if (url.empty()) {
        const std::string region = regionOf(role);
        url = "https://sts." + (region.empty() ? std::string() : region + ".") + "amazonaws.com";
        if (region.starts_with("cn-")) url += ".cn";
    }
    if (!hasScheme(url)) url.insert(0, "https://");
    while (url.ends_with('/')) url.pop_back();
    DocumentRequest request{"POST", url + "/", {{"Content-Type", "application/x-www-form-urlencoded"}}, ""};
    request.body = std::string("Action=") + action + "&Version=2011-06-15";
    addField(request.body, "RoleArn", role.arn);
    addField(request.body, "RoleSessionName", role.sessionName.empty() ? "litestream" : role.sessionName);
    addField(request.body, "ExternalId", role.externalId);
    addField(request.body, "DurationSeconds", role.duration);
    return request;
}

Credentials Sts::assumeRole(const Role& role, const Credentials& base, const CallContext& context) const {
    DocumentRequest document = request("AssumeRole", role);
    const Endpoint endpoint = parseEndpoint(document.url);
    const std::string date = amzDate(std::chrono::system_clock::now());
    document.headers.emplace_back("Host", authority(endpoint.origin));
    document.headers.emplace_back("X-Amz-Date", date);
    if (!base.sessionToken.empty()) document.headers.emplace_back("X-Amz-Security-Token", base.sessionToken.reveal());
    const std::string hash = sha256Hex(bytesOf(document.body));
    const std::string path = endpoint.path + "/";
    const Signable signable{document.method, path, "", document.headers, hash};
    const std::string region = regionOf(role);
    Signer signer("sts");
    document.headers.emplace_back(
        "Authorization", signer.authorization(signable, date, region.empty() ? "us-east-1" : region, base.accessKeyId,
                                              base.secretAccessKey));
    return send(document, role, context);
}

Credentials Sts::assumeRoleWithWebIdentity(const Role& role, const Secret& token, const CallContext& context) const {
    DocumentRequest document = request("AssumeRoleWithWebIdentity", role);
    addField(document.body, "WebIdentityToken", token.reveal());
    return send(document, role, context);
}

Credentials Sts::send(const DocumentRequest& request, const Role& role, const CallContext& context) const {
    const std::string what = "assume role " + role.arn;
    const Document reply = documents_.fetch(request, context);
    const Answer answer(reply.body);
    if (reply.status != 200) {
        const std::string code = answer.text("Code");
        const bool isTransient = reply.status >= 500 || reply.status == 429 || code == "Throttling";
        throw Error(isTransient ? ErrorCode::Transient : ErrorCode::Denied,
                    what + ": status " + std::to_string(reply.status) +
                        (code.empty() ? "" : ": " + code + ": " + answer.text("Message")));
    }
    Credentials credentials{answer.text("AccessKeyId"), Secret(answer.text("SecretAccessKey")),
                            Secret(answer.text("SessionToken")), parseExpiry(answer.text("Expiration"), what)};
    if (credentials.accessKeyId.empty() || credentials.secretAccessKey.empty() || credentials.sessionToken.empty()) {
        throw Error(ErrorCode::Denied, what + ": the answer holds no credentials");
    }
    return credentials;
}

}  // namespace litestream::s3
