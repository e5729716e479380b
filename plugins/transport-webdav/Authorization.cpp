#include "Authorization.h"

#include "http/Digest.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPAuthenticationParams.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/String.h>

namespace litestream::webdav {

namespace {

using Poco::Net::HTTPAuthenticationParams;

std::string basicValue(const std::string& username, const Secret& password) {
    const std::string text = username + ":" + password.reveal();
    return "Basic " + http::base64({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

const std::string kDigest = "digest";

bool hasScheme(const std::string& challenge, const std::string& scheme) {
    return Poco::toLower(challenge.substr(0, scheme.size())) == scheme &&
           (challenge.size() == scheme.size() || challenge[scheme.size()] == ' ');
}

}  // namespace

Authorization::Authorization(const std::string& username, const Secret& password, bool isEncrypted)
    : hasCredentials_(!username.empty()),
      isEncrypted_(isEncrypted),
      basic_(basicValue(username, password)),
      scheme_(hasCredentials_ && isEncrypted ? Scheme::Basic : Scheme::None),
      digest_(username, password.reveal()) {}

std::string Authorization::header(const std::string& method, const std::string& target) {
    const std::lock_guard lock(mutex_);
    if (scheme_ == Scheme::None) return {};
    if (scheme_ == Scheme::Basic) return basic_.reveal();
    Poco::Net::HTTPRequest request(method, target);
    if (challenge_.empty()) {
        digest_.updateAuthInfo(request);
    } else {
        digest_.authenticate(request, HTTPAuthenticationParams(challenge_));
        challenge_.clear();
    }
    return request.get(Poco::Net::HTTPRequest::AUTHORIZATION);
}

bool Authorization::learn(const http::Response& refusal, const std::string& sent) {
    if (!hasCredentials_) return false;
    const std::lock_guard lock(mutex_);
    bool offersBasic = false;
    std::string digest;
    for (const auto& [name, value] : refusal.headers) {
        if (Poco::toLower(name) != "www-authenticate") continue;
        if (hasScheme(value, "basic")) offersBasic = true;
        if (hasScheme(value, kDigest) && digest.empty()) digest = value.substr(kDigest.size());
    }
    const bool wantsBasic = offersBasic && (isEncrypted_ || digest.empty());
    if (!wantsBasic && !digest.empty()) return isDigestAcceptable(digest, sent);
    if (!wantsBasic || sent.starts_with("Basic ")) return false;
    scheme_ = Scheme::Basic;
    return true;
}

bool Authorization::isDigestAcceptable(const std::string& challenge, const std::string& sent) {
    try {
        const HTTPAuthenticationParams params(challenge);
        const std::string nonce = params.get("nonce", "");
        if (Poco::toUpper(params.get("algorithm", "MD5")) != "MD5" || nonce.empty()) return false;
        const bool answered = sent.starts_with("Digest ");
        // Another thread has taken up a newer challenge meanwhile.
        if (answered && scheme_ == Scheme::Digest && sent.find("\"" + nonce_ + "\"") == std::string::npos) return true;
        if (answered && Poco::toLower(params.get("stale", "")) != "true") return false;
        scheme_ = Scheme::Digest;
        nonce_ = nonce;
        challenge_ = challenge;
        return true;
    } catch (const Poco::Exception&) {
        return false;
    }
}

}  // namespace litestream::webdav
