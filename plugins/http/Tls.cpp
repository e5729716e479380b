#include "Tls.h"

#include <litestream/Error.h>

#include <Poco/Net/IPAddress.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace litestream::http {

namespace {

/// Why the handshake of this thread refused a certificate; X509_V_OK when it did not.
thread_local int refusal = X509_V_OK;

int noteRefusal(int accepted, X509_STORE_CTX* store) {
    if (accepted == 0) refusal = X509_STORE_CTX_get_error(store);
    return accepted;
}

void addBundle(SSL_CTX* context, const char* variable) {
    const char* bundle = variable == nullptr ? nullptr : std::getenv(variable);
    if (bundle == nullptr || *bundle == '\0') return;
    if (SSL_CTX_load_verify_locations(context, bundle, nullptr) != 1) {
        throw Error(ErrorCode::InvalidArgument, std::string("read certificates from ") + bundle +
                                                    ": no usable file. Correct " + variable + " or unset it");
    }
}

void requireName(SSL_CTX* context, const std::string& host) {
    X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(context);
    Poco::Net::IPAddress address;
    if (Poco::Net::IPAddress::tryParse(host, address)) {
        X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str());
    } else {
        X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        X509_VERIFY_PARAM_set1_host(rules, host.data(), host.size());
    }
}

Poco::Net::Context::Ptr makeContext(const std::string& host, const TlsPolicy& policy, const char* bundleVariable) {
    Poco::Net::Context::Params params;
    params.verificationMode = policy.verify ? Poco::Net::Context::VERIFY_STRICT : Poco::Net::Context::VERIFY_NONE;
    // OpenSSL reads SSL_CERT_FILE and SSL_CERT_DIR when it loads its defaults.
    params.loadDefaultCAs = policy.verify;
    params.cipherList = "DEFAULT:!aNULL";
    Poco::Net::Context::Ptr context(new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, params));
    context->requireMinimumProtocol(Poco::Net::Context::PROTO_TLSV1_2);
    context->enableSessionCache();
    // Poco's check of the name resolves it and lets loopback pass; OpenSSL's own does neither. Poco's callback would ask
    // a manager that is the program's, not ours.
    context->enableExtendedCertificateVerification(false);
    SSL_CTX* raw = context->sslContext();
    SSL_CTX_set_verify(raw, policy.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, policy.verify ? &noteRefusal : nullptr);
    SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Nothing to say to a connection that is given up: HTTP's own lengths tell a whole answer from a cut one.
    SSL_CTX_set_quiet_shutdown(raw, 1);
    if (policy.verify) {
        addBundle(raw, bundleVariable);
        requireName(raw, host);
    }
    return context;
}

}  // namespace

ConnectionFailure tlsFailure(const char* step, const std::string& text) {
    using Kind = ConnectionFailure::Kind;
    const std::string place = std::string(step) + ": ";
    if (const int reason = std::exchange(refusal, X509_V_OK); reason != X509_V_OK) {
        return {Kind::Untrusted, place + "the server's certificate is not trusted: " + X509_verify_cert_error_string(reason)};
    }
    // What a peer does that just goes away.
    if (text.find("unexpected eof") != std::string::npos) return {Kind::Lost, place + "connection reset by peer"};
    return {Kind::Lost, place + text};
}

Poco::Net::Context::Ptr Tls::context(const std::string& host, const TlsPolicy& policy) {
    std::lock_guard lock(mutex_);
    auto& context = contexts_[{host, policy.verify}];
    if (context.isNull()) context = makeContext(host, policy, bundleVariable_);
    return context;
}

Poco::Net::Session::Ptr Tls::session(const std::string& host, const TlsPolicy& policy) {
    std::lock_guard lock(mutex_);
    const auto found = sessions_.find({host, policy.verify});
    return found == sessions_.end() ? nullptr : found->second;
}

void Tls::remember(const std::string& host, const TlsPolicy& policy, Poco::Net::Session::Ptr session) {
    std::lock_guard lock(mutex_);
    sessions_[{host, policy.verify}] = std::move(session);
}

}  // namespace litestream::http
