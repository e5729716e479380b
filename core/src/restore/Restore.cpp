#include "restore/Restore.h"

#include "restore/IntegrityCheck.h"
#include "restore/OutputFile.h"
#include "restore/PageClaims.h"
#include "restore/PageWriter.h"
#include "restore/PlannedFile.h"
#include "restore/ProgressMeter.h"
#include "restore/Workers.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace litestream::restore {
namespace {

/// One request: long where requests cost money or time; otherwise short enough that the bytes are still in the
/// processor's cache when they are unpacked.
constexpr std::uint32_t kCountedFetch = 4u << 20;
constexpr std::uint32_t kFreeFetch = 1u << 20;

/// Of one request with its repetitions. It bounds a hanging store, not a slow one.
constexpr std::chrono::minutes kRequestLimit{5};

/// What a thread keeps from task to task.
struct Worker {
    Buffer bytes;
    std::unique_ptr<PageWriter> writer;
};

class Job {
public:
    Job(replica::ReplicaStore& store, const std::vector<replica::FileInfo>& plan, const ltx::CodecSet& codecs, const Options& options);

    Result run();

    /// True once all bytes are in the output and their checksums right.
    bool isFetched() const noexcept { return isFetched_; }

private:
    void scan();
    void scanFile(Worker& worker, std::size_t ordinal);
    void claim(std::size_t ordinal);
    void writeSmall(Worker& worker, PlannedFile& file);
    void refuseMissingPages() const;

    void fetch();
    void fetchPart(Worker& worker, PlannedFile& file, std::size_t part);

    PageWriter& writerOf(Worker& worker);
    CallContext request() const { return CallContext::within(kRequestLimit, stop_.token()); }

    replica::ReplicaStore& store_;
    const std::vector<replica::FileInfo>& plan_;
    const ltx::CodecSet& codecs_;
    const Options& options_;
    const unsigned threads_;
    CancellationSource stop_;
    std::shared_ptr<void> stopWithCaller_;
    ProgressMeter meter_;

    OutputFile output_;
    std::vector<Worker> workers_;
    std::vector<PlannedFile> files_;  // by ordinal in the plan; each is touched by one task at a time
    std::optional<PageClaims> claims_;
    bool isFetched_ = false;
};

PageSums pageSumsOf(const PlannedFile& file) {
    return keepsDatabaseChecksums(file) && file.header.isSnapshot() ? PageSums::Compute : PageSums::Skip;
}

std::uint64_t totalSize(const std::vector<replica::FileInfo>& plan) {
    std::uint64_t bytes = 0;
    for (const replica::FileInfo& file : plan) bytes += file.size;
    return bytes;
}

/// Every page is in some planned file, so a damaged header must not make us reserve what those could never fill.
void checkCommit(const PlannedFile& last, std::uint64_t plannedBytes) {
    constexpr std::uint64_t kLeastPageBytes = ltx::kPageHeaderSize + 1 + 3;  // frame header, one packed byte, index entry
    if (last.header.commit <= plannedBytes / kLeastPageBytes + 1) return;      // the lock page is in no file
    throw Error(ErrorCode::Corrupt, last.key + ": its header says " + std::to_string(last.header.commit) +
                                        " pages, more than the planned files can hold");
}

Job::Job(replica::ReplicaStore& store, const std::vector<replica::FileInfo>& plan, const ltx::CodecSet& codecs, const Options& options)
    : store_(store),
      plan_(plan),
      codecs_(codecs),
      options_(options),
      threads_(std::max(options.parallelism, 1u)),
      stopWithCaller_(options.cancellation.onCancel([this] { stop_.cancel(); })),
      meter_(options.progress, totalSize(plan)),
      output_(options.output),
      workers_(threads_),
      files_(plan.size()) {}

Result Job::run() {
    const auto begin = std::chrono::steady_clock::now();
    scan();
    refuseMissingPages();
    fetch();
    isFetched_ = true;
    output_.sync();
    checkIntegrity(output_.temporary(), options_.integrityCheck, options_.cancellation);
    request().check("restore");
    output_.publish();
    meter_.finish();

    const ltx::Header& last = files_.back().header;
    const auto duration = std::chrono::steady_clock::now() - begin;
    return {last.maxTxid,   last.timestamp, last.pageSize,
            last.commit,    meter_.done(),  std::chrono::duration_cast<std::chrono::milliseconds>(duration)};
}

/// From the newest file to the oldest: read what tells which pages a file has, claim those that no newer file has claimed, and when
/// the file is small, be done with it. At most one small file per thread is in memory.
void Job::scan() {
    Turns turns(stop_.token());
    runParallel(threads_, plan_.size(), stop_, [&](unsigned number, std::size_t index) {
        const std::size_t ordinal = plan_.size() - 1 - index;
        Worker& worker = workers_[number];
        files_[ordinal] = openPlanned(store_, plan_[ordinal], worker.bytes, request());
        turns.inTurn(index, [&] { claim(ordinal); });
        scanFile(worker, ordinal);
    });
}

void Job::claim(std::size_t ordinal) {
    PlannedFile& file = files_[ordinal];
    if (ordinal + 1 == plan_.size()) {
        checkLast(file);
        checkCommit(file, totalSize(plan_));
        claims_.emplace(file.header.commit, file.header.pageSize);
        output_.resize(std::uint64_t{file.header.commit} * file.header.pageSize);
    } else {
        checkJoin(file, files_[ordinal + 1]);
    }
    if (ordinal == 0) checkFirst(file);
    try {
        file.frames = claimFrames(file.tail.index, *claims_);
    } catch (const Error& error) {
        throw naming(file.key, error);
    }
    file.tail.index = {};
}

void Job::scanFile(Worker& worker, std::size_t ordinal) {
    PlannedFile& file = files_[ordinal];
    if (!file.small.empty()) {
        writeSmall(worker, file);
        meter_.add(plan_[ordinal].size);
        return;
    }
    file.fetches = planFetches(file.frames, store_.capabilities().requestsAreCounted ? kCountedFetch : kFreeFetch);
    file.sums.resize(file.fetches.fetches.size());
    meter_.add(ltx::kHeaderSize + plan_[ordinal].size - file.tail.framesEnd);
}

void Job::writeSmall(Worker& worker, PlannedFile& file) {
    const ConstBytes frames = file.small.subspan(ltx::kHeaderSize, static_cast<std::size_t>(file.tail.framesEnd) - ltx::kHeaderSize);
    try {
        file.sums = {writerOf(worker).writeAndSum(file.frames, frames, pageSumsOf(file))};
    } catch (const Error& error) {
        throw naming(file.key, error);
    }
    verifyChecksums(file);
    file.small = {};
    file.frames = {};
}

void Job::refuseMissingPages() const {
    const auto page = claims_->firstMissing();
    if (!page) return;
    std::string keys;
    for (const PlannedFile& file : files_) keys += (keys.empty() ? "" : ", ") + file.key;
    throw Error(ErrorCode::Corrupt, "page " + std::to_string(*page) + " of " + std::to_string(files_.back().header.commit) +
                                        " is in none of the planned files: " + keys);
}

/// The large files, from the oldest on and each from front to back, so that the database is written nearly in order.
void Job::fetch() {
    struct Part {
        std::size_t ordinal;
        std::size_t part;
    };
    std::vector<Part> parts;
    std::uint64_t bytes = meter_.done();
    for (std::size_t ordinal = 0; ordinal < files_.size(); ++ordinal) {
        const FetchPlan& fetches = files_[ordinal].fetches;
        for (std::size_t part = 0; part < fetches.fetches.size(); ++part) parts.push_back({ordinal, part});
        bytes += fetches.bytes;
    }
    meter_.setTotal(bytes);

    runParallel(threads_, parts.size(), stop_, [&](unsigned number, std::size_t index) {
        fetchPart(workers_[number], files_[parts[index].ordinal], parts[index].part);
    });
    for (const PlannedFile& file : files_) {
        if (file.fetches.whole) verifyChecksums(file);
    }
}

void Job::fetchPart(Worker& worker, PlannedFile& file, std::size_t part) {
    const Fetch& wanted = file.fetches.fetches[part];
    const auto ordinal = static_cast<std::size_t>(&file - files_.data());
    const auto frames = std::span(file.frames).subspan(wanted.firstFrame, wanted.frameCount);
    const MutableBytes bytes = worker.bytes.take(wanted.size);
    try {
        store_.read(plan_[ordinal].id, wanted.offset, bytes, request());
        if (file.fetches.whole) {
            file.sums[part] = writerOf(worker).writeAndSum(frames, bytes, pageSumsOf(file));
        } else {
            writerOf(worker).write(frames, bytes);
        }
    } catch (const Error& error) {
        throw naming(file.key, error);
    }
    meter_.add(wanted.size);
}

PageWriter& Job::writerOf(Worker& worker) {
    if (!worker.writer) {
        worker.writer = std::make_unique<PageWriter>(output_.descriptor(), output_.temporary().string(), files_.back().header.pageSize, codecs_);
    }
    return *worker.writer;
}

}  // namespace

Result restore(replica::ReplicaStore& store, const std::vector<replica::FileInfo>& plan, const ltx::CodecSet& codecs,
               const Options& options) {
    if (plan.empty()) throw Error(ErrorCode::NotFound, "no matching backup files available");
    {
        Job job(store, plan, codecs, options);
        try {
            return job.run();
        } catch (const Error& error) {
            // A bit that flipped on the way looks like one that flipped in the store: reading again tells them apart.
            if (error.code() != ErrorCode::Corrupt || job.isFetched()) throw;
            log::warn("restore begins again, for what was read is damaged", {{"error", error.what()}});
        }
    }
    return Job(store, plan, codecs, options).run();
}

}  // namespace litestream::restore
