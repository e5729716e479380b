#include "TransportSuite.h"

#include "Subroot.h"
#include "WitnessTransport.h"

namespace litestream::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportSuite);

std::shared_ptr<Transport> TransportSuite::openRoot() const {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string prefix = GetParam().root + "/" + test.substr(0, test.find('/')) + "/";
    return witness(std::make_shared<Subroot>(GetParam().open(), prefix));
}

void TransportSuite::TearDown() {
    if (transport_ == nullptr) return;
    try {
        removeAll(*transport_);
    } catch (const Error&) {
        // What is left behind is told by whoever made the root.
    }
}

std::uint64_t TransportSuite::put(const std::string& key, const std::string& content, const PutOptions& options) {
    MemoryBody body(content);
    return transport_->put(key, body, options, context_);
}

std::uint64_t TransportSuite::putOnlyIfAbsent(const std::string& key, const std::string& content) {
    PutOptions options;
    options.onlyIfAbsent = true;
    return put(key, content, options);
}

std::string TransportSuite::get(const std::string& key, std::uint64_t offset, std::size_t length) {
    std::string bytes(length, '?');
    const std::size_t got = transport_->get(key, offset, std::as_writable_bytes(std::span(bytes)), context_);
    if (got > length)
        violated("get " + std::to_string(length) + " bytes of " + key, std::to_string(got) + " bytes",
                 "no more than were asked for");
    bytes.resize(std::min(got, length));
    return bytes;
}

std::vector<std::string> TransportSuite::list(std::string_view prefix, std::string_view after, std::size_t limit) {
    std::vector<std::string> keys;
    for (const ObjectInfo& info : transport_->list(prefix, after, limit, context_)) keys.push_back(info.key);
    return keys;
}

void TransportSuite::expectContent(const std::string& when, const std::string& key, const std::string& expected) {
    expectBytes(when + ": get " + key, content(key), expected);
}

void TransportSuite::expectKeys(const std::string& when, const std::vector<std::string>& expected) {
    expectSame(when + ": list everything", list(), expected);
}

}  // namespace litestream::conformance
