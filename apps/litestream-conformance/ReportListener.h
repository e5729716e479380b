#pragma once

#include "litestream-conformance/Child.h"

#include <gtest/gtest.h>

namespace litestream::conformance {

/// Sends what the suites find as records: {"observation", done, seen, expected}, {"foreign", operation, what was thrown}, {"skipped", reason}.
class ReportListener final : public testing::EmptyTestEventListener {
public:
    explicit ReportListener(RecordWriter& writer) : writer_(writer) {}
    void OnTestPartResult(const testing::TestPartResult& result) override;

private:
    RecordWriter& writer_;
};

}  // namespace litestream::conformance
