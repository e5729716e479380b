#pragma once

#include <litestream/Error.h>

#include <gtest/gtest.h>

namespace litestream::test {

/// The Error that `action` throws; fails the test when it throws none.
template <class Action>
Error errorOf(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no Error was thrown";
    return Error(ErrorCode::Cancelled, "nothing was thrown");
}

}  // namespace litestream::test
