#pragma once

#include <Poco/Net/HTTPServer.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace litestream::s3 {

/// A real HTTP server on loopback that stands in for a service that gives out credentials.
class FakeService {
public:
    struct Asked {
        std::string method;
        std::string target;
        std::multimap<std::string, std::string> headers;  ///< names in lower case
        std::string body;
        std::string header(const std::string& name) const;
    };
    struct Answer {
        int status = 200;
        std::string body;
    };
    using Respond = std::function<Answer(const Asked& asked)>;

    explicit FakeService(Respond respond);
    ~FakeService();

    std::string url() const;
    std::vector<Asked> asked() const;

private:
    class Handler;
    class Factory;

    const Respond respond_;
    mutable std::mutex mutex_;  ///< guards asked_
    std::vector<Asked> asked_;
    std::unique_ptr<Poco::Net::HTTPServer> server_;
};

}  // namespace litestream::s3
