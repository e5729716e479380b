#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace litestream::conformance {

/// What a child has to say: records of texts.
using Record = std::vector<std::string>;

/// Sends records to the parent. Thread-safe.
class RecordWriter {
public:
    explicit RecordWriter(int descriptor) : descriptor_(descriptor) {}
    void send(const Record& record);

private:
    const int descriptor_;
    std::mutex mutex_;
};

/// How a child ended.
struct ChildResult {
    std::vector<Record> records;
    std::string mishap;  ///< empty when it ended as it should: "the process ended with signal 11 (Segmentation fault)"
    std::string lastOperation;  ///< what the plugin was asked for last (suites/Trail.h), when there was a mishap
};

/// The user or another program asked to stop.
struct Interrupted {};

/// From now on SIGINT and SIGTERM end inChild() with Interrupted.
void watchForInterruption();

/// Runs `action` in a process of its own, so that a plugin that crashes, hangs or leaves threads behind disturbs nobody else. After `limit` the
/// process is killed. The caller must have one thread only.
ChildResult inChild(std::chrono::nanoseconds limit, const std::function<void(RecordWriter&)>& action);

}  // namespace litestream::conformance
