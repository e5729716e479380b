#pragma once

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
    /// Opens an empty root of its own at each call; it goes away with the last pointer.
    std::function<std::shared_ptr<Transport>()> open;
};

inline std::ostream& operator<<(std::ostream& out, const TransportCandidate& candidate) { return out << candidate.name; }

/// INSTANTIATE_TEST_SUITE_P(S3, TransportSuite, testing::Values(TransportCandidate{"s3", openBucket}));
class TransportSuite : public testing::TestWithParam<TransportCandidate> {
protected:
    void SetUp() override { transport_ = GetParam().open(); }

    std::uint64_t put(const std::string& key, const std::string& content, const PutOptions& options = {}) {
        MemoryBody body(content);
        return transport_->put(key, body, options, context_);
    }

    /// Up to `length` bytes from `offset` on.
    std::string get(const std::string& key, std::uint64_t offset, std::size_t length) {
        std::string bytes(length, '?');
        bytes.resize(transport_->get(key, offset, std::as_writable_bytes(std::span(bytes)), context_));
        return bytes;
    }

    /// The whole object.
    std::string content(const std::string& key) { return get(key, 0, transport_->head(key, context_).size + 1); }

    std::vector<std::string> list(std::string_view prefix = {}, std::string_view after = {}, std::size_t limit = 1000) {
        std::vector<std::string> keys;
        for (const ObjectInfo& info : transport_->list(prefix, after, limit, context_)) keys.push_back(info.key);
        return keys;
    }

    std::vector<RemoveFailure> remove(const std::vector<std::string>& keys) { return transport_->remove(keys, context_); }

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

/// The code of the Error that `action` throws; fails the test when it throws none.
template <class Action>
ErrorCode codeOf(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "no Error was thrown";
    return ErrorCode::Unsupported;
}

}  // namespace litestream::conformance
