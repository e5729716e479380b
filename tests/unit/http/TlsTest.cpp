#include "Server.h"
#include "http/Http.h"
#include "support/ErrorOf.h"

#include <litestream/Error.h>

#include <Poco/Net/Context.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/TemporaryFile.h>

#include <gtest/gtest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>

namespace litestream::http {

namespace {

using litestream::test::errorOf;

/// A key and a certificate for "localhost" that nobody but itself has signed, in files.
class Certificate {
public:
    Certificate() {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
        const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
        X509* raw = certificate.get();
        X509_set_version(raw, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(raw), 1);
        X509_gmtime_adj(X509_getm_notBefore(raw), -3600);
        X509_gmtime_adj(X509_getm_notAfter(raw), 3600);
        X509_set_pubkey(raw, key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
        X509_set_issuer_name(raw, X509_get_subject_name(raw));
        const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> names(
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost"), &X509_EXTENSION_free);
        X509_add_ext(raw, names.get(), -1);
        X509_sign(raw, key.get(), EVP_sha256());
        write(keyFile_.path(), [&](FILE* file) { PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
        write(file_.path(), [&](FILE* file) { PEM_write_X509(file, raw); });
    }

    const std::string& file() const { return file_.path(); }
    const std::string& keyFile() const { return keyFile_.path(); }

private:
    template <class Writer>
    static void write(const std::string& path, Writer&& writer) {
        FILE* file = std::fopen(path.c_str(), "w");
        writer(file);
        std::fclose(file);
    }

    Poco::TemporaryFile file_;
    Poco::TemporaryFile keyFile_;
};

/// Names the bundle that is trusted besides the system's, or none, for as long as it lives.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* const name_;
};

class TlsTest : public testing::Test {
protected:
    static Poco::Net::SecureServerSocket listen(const Certificate& certificate) {
        const Poco::Net::Context::Ptr context(
            new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, certificate.keyFile(), certificate.file(), ""));
        return Poco::Net::SecureServerSocket(Poco::Net::SocketAddress("127.0.0.1", 0), 8, context);
    }

    Response get(const std::string& host, bool verify = true) {
        return http_.exchange({true, host, server_.port()}, {verify}, {.method = "GET", .target = "/", .headers = {}, .body = {}},
                              CallContext::within(std::chrono::minutes(1)));
    }

    Error failure(const std::string& host) {
        return errorOf([&] { get(host); });
    }

    Certificate certificate_;
    Server server_{listen(certificate_), [](Peer& peer, int) {
                       while (!peer.request().empty()) peer.answer(200, std::string(300000, 'x'));
                   }};
    Http http_{{.bundleVariable = "AWS_CA_BUNDLE"}};
};

}  // namespace

TEST_F(TlsTest, TrustsTheBundleThatIsNamed) {
    const Variable bundle("AWS_CA_BUNDLE", certificate_.file());
    EXPECT_EQ(get("localhost").body, std::string(300000, 'x'));
    EXPECT_EQ(get("localhost").status, 200);
    EXPECT_EQ(server_.connections(), 1);
}

TEST_F(TlsTest, TrustsNobodyElse) {
    const Error error = failure("localhost");
    EXPECT_EQ(error.code(), ErrorCode::Denied);
    EXPECT_NE(std::string(error.what()).find("certificate is not trusted: self-signed certificate. "), std::string::npos) << error.what();
}

TEST_F(TlsTest, TrustsOnlyTheNameInTheCertificate) {
    const Variable bundle("AWS_CA_BUNDLE", certificate_.file());
    const Error error = failure("127.0.0.1");
    EXPECT_EQ(error.code(), ErrorCode::Denied);
    EXPECT_NE(std::string(error.what()).find("certificate is not trusted: IP address mismatch. "), std::string::npos) << error.what();
}

TEST_F(TlsTest, TrustsAnybodyWhenItIsToldTo) {
    EXPECT_EQ(get("127.0.0.1", false).status, 200);
    EXPECT_EQ(failure("127.0.0.1").code(), ErrorCode::Denied) << "what was not verified served one who verifies";
}

TEST_F(TlsTest, TakesTheSystemsCertificatesFromWhereItIsTold) {
    const Variable file("SSL_CERT_FILE", certificate_.file());
    EXPECT_EQ(get("localhost").status, 200);
}

TEST_F(TlsTest, RefusesABundleThatCannotBeRead) {
    const Variable bundle("AWS_CA_BUNDLE", "/nowhere/at/all.pem");
    EXPECT_EQ(failure("localhost").code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(server_.connections(), 0);
}

TEST_F(TlsTest, CallsAServerWithoutTlsALostConnection) {
    Server plain([](Peer& peer, int) {
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.awaitClose();
    });
    const Error error = errorOf([&] { http_.exchange({true, "localhost", plain.port()}, {}, {.method = "GET", .target = "/", .headers = {}, .body = {}}, {}); });
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_NE(std::string(error.what()).find("tls handshake"), std::string::npos) << error.what();
}

TEST_F(TlsTest, GivesUpAHandshakeThatIsNotAnswered) {
    Server silent([](Peer& peer, int) { peer.awaitClose(); });
    Http http({.connect = std::chrono::seconds(1)});
    const Error error = errorOf([&] { http.exchange({true, "localhost", silent.port()}, {}, {.method = "GET", .target = "/", .headers = {}, .body = {}}, {}); });
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_NE(std::string(error.what()).find("tls handshake: no answer for 1s"), std::string::npos) << error.what();
}

TEST_F(TlsTest, GoesThroughTheTunnelOfAProxy) {
    // A name that only the proxy knows; its end of the tunnel is our server. Not verified: the certificate is for another name.
    std::promise<std::string> request;
    Server proxy([&](Peer& peer, int) {
        request.set_value(peer.request());
        peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
        peer.relay({"127.0.0.1", server_.port()});
    });
    const Variable variable("HTTPS_PROXY", "http://user:word@127.0.0.1:" + std::to_string(proxy.port()));
    EXPECT_EQ(get("store.invalid", false).body.size(), 300000u);
    const std::string asked = request.get_future().get();
    EXPECT_TRUE(asked.starts_with("CONNECT store.invalid:" + std::to_string(server_.port()) + " HTTP/1.1\r\n")) << asked;
    EXPECT_NE(asked.find("Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n"), std::string::npos) << asked;
}

TEST_F(TlsTest, TellsThatAProxyRefuses) {
    Server proxy([&](Peer& peer, int) {
        peer.request();
        peer.answer(407, "");
    });
    const Variable variable("HTTPS_PROXY", "127.0.0.1:" + std::to_string(proxy.port()));
    const Error error = failure("store.invalid");
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_NE(std::string(error.what()).find("refused the tunnel (status 407)"), std::string::npos) << error.what();
}

}  // namespace litestream::http
