#pragma once

#include "Client.h"
#include "PartReader.h"

#include <Poco/Runnable.h>
#include <Poco/ThreadPool.h>

#include <condition_variable>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <vector>

namespace litestream::s3 {

/// Makes the store forget the parts of an upload; one that it has forgotten already is no failure.
void abortUpload(Client& client, const std::string& key, const std::string& id, const CallContext& context);

/// One object sent in parts, several at a time. Parts are hashed and sent on the pool's threads, and on the caller's when the pool
/// has none to spare; the caller's thread reads the body. At most one part more than are under way is in memory.
///
/// What a busy store or a broken connection refused, a part or the completion, is sent again a few times: an object of a thousand parts
/// would hardly ever arrive otherwise. Whatever else goes wrong ends the upload, and the store is told to forget it.
class MultipartUpload {
public:
    MultipartUpload(Client& client, Host& host, Poco::ThreadPool& workers, std::string key, const PutOptions& options,
                    const CallContext& context);
    ~MultipartUpload() = default;
    MultipartUpload(const MultipartUpload&) = delete;
    MultipartUpload& operator=(const MultipartUpload&) = delete;

    /// Sends `first`, which lies in `buffer`, and what else `reader` has, in parts of `partSize` bytes or, in a very long object, more.
    void run(ConstBytes first, PartBuffer buffer, PartReader& reader, std::uint64_t partSize);

private:
    struct Part : public Poco::Runnable {
        explicit Part(MultipartUpload& owner) : upload(owner) {}
        void run() override { upload.runPart(*this); }

        MultipartUpload& upload;
        PartBuffer buffer;
        ConstBytes bytes;
        unsigned number = 0;
    };

    void sendParts(ConstBytes first, PartBuffer buffer, PartReader& reader, std::uint64_t partSize);
    unsigned mostUnderWay(std::uint64_t length, std::uint64_t partSize) const noexcept;
    Part& takePart();
    void start(Part& part);
    void runPart(Part& part) noexcept;
    void fail(std::exception_ptr reason) noexcept;
    std::string sendPart(const Part& part);
    /// Makes a few attempts while failures may heal.
    void persistently(const CallContext& context, const std::function<void()>& attempt);
    /// Returns when no part is under way; throws what went wrong first.
    void finish();

    std::string create();
    void complete(std::uint64_t size);
    void completeOnce(const ApiCall& call, std::uint64_t size);
    bool isThere(std::uint64_t size);
    void abort() noexcept;

    Client& client_;
    Host& host_;
    Poco::ThreadPool& workers_;
    const std::string key_;
    const std::string operation_;
    const PutOptions& options_;
    const CallContext& context_;
    CancellationSource stop_;  ///< ends the parts under way: the caller cancelled, or a part failed
    const CallContext partContext_;
    std::string uploadId_;
    unsigned mayBeUnderWay_ = 1;  ///< of the caller's thread alone

    std::mutex mutex_;  ///< guards everything below
    std::condition_variable changed_;
    std::list<Part> parts_;  ///< at most one more than may be under way, used again and again
    std::vector<Part*> idle_;
    unsigned underWay_ = 0;
    std::exception_ptr failure_;
    std::vector<std::string> etags_;  ///< by part number - 1
};

}  // namespace litestream::s3
