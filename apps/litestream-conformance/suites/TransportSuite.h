#pragma once

#include "Clause.h"
#include "Expect.h"
#include "MemoryBody.h"

#include <litestream/Error.h>
#include <litestream/Transport.h>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace litestream::conformance {

/// A transport that is put through every clause of Transport.h.
struct TransportCandidate {
    std::string name;
    /// Opens another instance with the same root at each call.
    std::function<std::shared_ptr<Transport>()> open;
    /// A prefix that nobody else uses, without '/' at its end. Each clause works below one of its own in there and removes it.
    std::string root;
};

inline std::ostream& operator<<(std::ostream& out, const TransportCandidate& candidate) {
    return out << candidate.name;
}

/// INSTANTIATE_TEST_SUITE_P(S3, TransportSuite, testing::Values(TransportCandidate{"s3", openBucket, "test"}));
class TransportSuite : public testing::TestWithParam<TransportCandidate> {
protected:
    void SetUp() override { transport_ = openRoot(); }
    void TearDown() override;

    /// Another instance with this clause's root.
    std::shared_ptr<Transport> openRoot() const;

    std::uint64_t put(const std::string& key, const std::string& content, const PutOptions& options = {});
    std::uint64_t putOnlyIfAbsent(const std::string& key, const std::string& content);

    /// Up to `length` bytes from `offset` on.
    std::string get(const std::string& key, std::uint64_t offset, std::size_t length);

    /// The whole object.
    std::string content(const std::string& key) { return get(key, 0, transport_->head(key, context_).size + 1); }

    std::vector<std::string> list(std::string_view prefix = {}, std::string_view after = {}, std::size_t limit = 1000);
    std::vector<RemoveFailure> remove(const std::vector<std::string>& keys) {
        return transport_->remove(keys, context_);
    }

    void expectContent(const std::string& when, const std::string& key, const std::string& expected);
    void expectKeys(const std::string& when, const std::vector<std::string>& expected);

    std::shared_ptr<Transport> transport_;
    CallContext context_ = CallContext::within(std::chrono::minutes(2));
};

/// The clauses about listing, over a root with a set of awkward keys. Instantiated beside TransportSuite.
class TransportListing : public TransportSuite {
protected:
    void SetUp() override;
    std::vector<std::string> expected(std::string_view prefix, std::string_view after, std::size_t limit) const;

    std::vector<std::string> keys_;  ///< what is there, ascending
};

}  // namespace litestream::conformance
