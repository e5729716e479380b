#pragma once

#include "Clause.h"
#include "Expect.h"

#include <litestream/Codec.h>
#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

namespace litestream::conformance {

/// A codec that is put through every clause of Codec.h.
struct CodecCandidate {
    std::string name;
    std::function<std::shared_ptr<const Codec>()> open;
};

inline std::ostream& operator<<(std::ostream& out, const CodecCandidate& candidate) {
    return out << candidate.name;
}

/// INSTANTIATE_TEST_SUITE_P(Zstd, CodecSuite, testing::Values(CodecCandidate{"zstd", openZstd}));
class CodecSuite : public testing::TestWithParam<CodecCandidate> {
protected:
    void SetUp() override;

    /// Packs into a buffer of exactly maxPacked() bytes with a border that must stay untouched.
    std::string pack(const std::string& page) const;
    /// Unpacks, from memory that ends with `packed`, into one page with a border. `used` gets the return value.
    std::string unpack(std::uint16_t flags, const std::string& packed, std::size_t pageSize, std::size_t& used) const;
    /// What pack() wrote: all of it must be used.
    std::string unpack(const std::string& packed, std::size_t pageSize) const;
    /// Has to come out as it went in.
    bool expectRoundTrip(const std::string& page) const;

    std::shared_ptr<const Codec> codec_;
};

}  // namespace litestream::conformance
