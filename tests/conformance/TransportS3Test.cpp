#include "ShippedPlugins.h"
#include "litestream-conformance/suites/Expect.h"
#include "litestream-conformance/suites/MemoryBody.h"
#include "litestream-conformance/suites/Subroot.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace litestream::conformance {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

/// tests/s3/run_with_gateway.py sets what it takes.
bool hasStore() { return !environment("LITESTREAM_S3_ENDPOINT").empty(); }

/// A path in the bucket that nobody else uses.
std::string ownPath() {
    static std::atomic<int> last{0};
    return "conformance/" + std::to_string(::getpid()) + "-" + std::to_string(++last);
}

OptionValues options(const std::string& path) {
    OptionValues values;
    values.set("endpoint", environment("LITESTREAM_S3_ENDPOINT"));
    values.set("bucket", environment("LITESTREAM_S3_BUCKET"));
    values.set("region", environment("LITESTREAM_S3_REGION"));
    values.set("path", path);
    return values;
}

std::unique_ptr<Transport> openPlain(const OptionValues& values) {
    // The bundle of the gateway's authority, as a user would name it.
    if (const std::string bundle = environment("LITESTREAM_S3_CA"); !bundle.empty()) ::setenv("AWS_CA_BUNDLE", bundle.c_str(), 1);
    return shippedPlugins().openTransport("s3", values);
}

/// Tidies up at the end.
std::shared_ptr<Transport> tidied(std::shared_ptr<Transport> transport) {
    return {transport.get(), [transport](Transport* raw) mutable {
                removeAll(*raw);
                transport.reset();
            }};
}

std::shared_ptr<Transport> openOwnPath() { return tidied(openPlain(options(ownPath()))); }

class S3Transport : public testing::Test {
protected:
    void SetUp() override {
        if (!hasStore()) GTEST_SKIP() << "LITESTREAM_S3_ENDPOINT is not set";
    }

    static std::string messageOf(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& error) {
            return error.what();
        }
        return "no Error was thrown";
    }
};

}  // namespace

TEST_F(S3Transport, SendsALongObjectInParts) {
    const auto transport = openOwnPath();
    const std::string bytes = noise((12 << 20) + 7, 11);
    for (const std::size_t run : {std::size_t{65536}, std::size_t{1} << 20, SIZE_MAX}) {
        for (const bool sizeKnown : {true, false}) {
            MemoryBody body(bytes, run, sizeKnown);
            PutOptions put;
            put.timestamp = {1700000000120};
            EXPECT_EQ(transport->put("0009/long", body, put, {}), bytes.size());
            std::string seen(bytes.size() + 1, '?');
            seen.resize(transport->get("0009/long", 0, std::as_writable_bytes(std::span(seen)), {}));
            EXPECT_TRUE(seen == bytes) << "runs of " << run;
            EXPECT_EQ(transport->head("0009/long", {}).timestamp.milliseconds, 1700000000120);
        }
    }
}

TEST_F(S3Transport, SendsAnObjectOfExactlyOnePart) {
    const auto transport = openOwnPath();
    for (const int more : {-1, 0, 1}) {
        const std::string bytes = noise(static_cast<std::size_t>((5 << 20) + more), 12);
        MemoryBody body(bytes, 100000, false);
        EXPECT_EQ(transport->put("a", body, {}, {}), bytes.size());
        EXPECT_EQ(transport->head("a", {}).size, bytes.size());
    }
}

TEST_F(S3Transport, T66_LeavesNothingOfALongObjectThatFails) {
    const auto transport = openOwnPath();
    MemoryBody body(noise(12 << 20, 13), 1 << 20);
    body.beforeRun([](std::size_t taken) {
        if (taken >= 11u << 20) throw Error(ErrorCode::Corrupt, "read spool: torn");
    });
    EXPECT_EQ(codeOf([&] { transport->put("a", body, {}, {}); }), ErrorCode::Corrupt);
    EXPECT_TRUE(transport->list("", "", 10, {}).empty());
}

TEST_F(S3Transport, CancelsALongObject) {
    const auto transport = openOwnPath();
    CancellationSource source;
    MemoryBody body(noise(22 << 20, 14), 1 << 20);
    body.beforeRun([&](std::size_t taken) {
        if (taken >= 16u << 20) source.cancel();
    });
    const CallContext context = CallContext::within(std::chrono::minutes(1), source.token());
    EXPECT_EQ(codeOf([&] { transport->put("a", body, {}, context); }), ErrorCode::Cancelled);
    EXPECT_TRUE(transport->list("", "", 10, {}).empty());
}

TEST_F(S3Transport, RefusesToReplaceWithALongObject) {
    const auto transport = openOwnPath();
    MemoryBody old("old");
    transport->put("a", old, {}, {});
    MemoryBody body(noise(6 << 20, 15), 1 << 20);
    PutOptions put;
    put.onlyIfAbsent = true;
    EXPECT_EQ(codeOf([&] { transport->put("a", body, put, {}); }), ErrorCode::Conflict);
    EXPECT_EQ(transport->head("a", {}).size, 3u);
}

TEST_F(S3Transport, ReadsWithTheCustomersKeyOnly) {
    if (!environment("LITESTREAM_S3_ENDPOINT").starts_with("https://")) GTEST_SKIP() << "stores take a customer's key over https only";
    OptionValues values = options(ownPath());
    const auto without = openPlain(values);
    values.set("sse-customer-key", Secret("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="));
    const auto with = tidied(openPlain(values));
    for (const std::size_t size : {std::size_t{1000}, std::size_t{(6 << 20) + 1}}) {
        const std::string bytes = noise(size, 16);
        MemoryBody body(bytes, 1 << 20);
        with->put("a", body, {}, {});
        std::string seen(size + 1, '?');
        seen.resize(with->get("a", 0, std::as_writable_bytes(std::span(seen)), {}));
        EXPECT_TRUE(seen == bytes) << size;
        EXPECT_EQ(with->head("a", {}).size, size);
        EXPECT_THROW(without->get("a", 0, std::as_writable_bytes(std::span(seen)), {}), Error);
    }
}

TEST_F(S3Transport, ListsAndRemovesMoreThanOnePage) {
    const auto transport = openOwnPath();
    std::vector<std::string> keys;
    for (int i = 0; i < 1203; ++i) keys.push_back("0000/" + std::to_string(10000 + i));
    for (const std::string& key : keys) {
        MemoryBody body("x");
        transport->put(key, body, {}, {});
    }
    std::vector<std::string> seen;
    for (const ObjectInfo& info : transport->list("0000/", "", 5000, {})) seen.push_back(info.key);
    EXPECT_EQ(seen, keys);
    EXPECT_EQ(transport->list("0000/", "", 1100, {}).size(), 1100u);
    EXPECT_TRUE(transport->remove(keys, {}).empty());
    EXPECT_TRUE(transport->list("", "", 10, {}).empty());
}

TEST_F(S3Transport, TellsThatTheBucketDoesNotExist) {
    const auto transport = openPlain([] {
        OptionValues values = options("x");
        values.set("bucket", "no-such-bucket-of-ours");
        return values;
    }());
    MemoryBody body("x");
    std::string buffer(1, '?');
    const std::vector<std::function<void()>> calls{
        [&] { transport->head("a", {}); }, [&] { transport->put("a", body, {}, {}); }, [&] { transport->list("", "", 1, {}); },
        [&] { transport->get("a", 0, std::as_writable_bytes(std::span(buffer)), {}); }};
    for (const auto& call : calls) {
        EXPECT_EQ(codeOf(call), ErrorCode::InvalidArgument);
        EXPECT_NE(messageOf(call).find("bucket no-such-bucket-of-ours does not exist. Create it"), std::string::npos) << messageOf(call);
    }
}

TEST_F(S3Transport, TellsThatTheSecretIsWrong) {
    const auto transport = openPlain([] {
        OptionValues values = options("x");
        values.set("access-key-id", Secret(environment("AWS_ACCESS_KEY_ID")));
        values.set("secret-access-key", Secret("wrong"));
        return values;
    }());
    const auto call = [&] { transport->list("", "", 1, {}); };
    EXPECT_EQ(codeOf(call), ErrorCode::Denied);
    EXPECT_NE(messageOf(call).find("list x/: SignatureDoesNotMatch"), std::string::npos) << messageOf(call);
    EXPECT_NE(messageOf(call).find("The secret access key does not belong to the access key id"), std::string::npos);
    EXPECT_EQ(messageOf(call).find("wrong"), std::string::npos);
}

TEST_F(S3Transport, TellsThatTheKeyIsUnknown) {
    const auto transport = openPlain([] {
        OptionValues values = options("x");
        values.set("access-key-id", Secret("AKIANOBODY"));
        values.set("secret-access-key", Secret("nothing"));
        return values;
    }());
    EXPECT_EQ(codeOf([&] { transport->list("", "", 1, {}); }), ErrorCode::Denied);
    // Whoever asks for one object must not be told that it is missing.
    EXPECT_EQ(codeOf([&] { transport->head("a", {}); }), ErrorCode::Denied);
}

}  // namespace litestream::conformance
