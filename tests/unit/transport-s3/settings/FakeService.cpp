#include "FakeService.h"

#include "base/Endpoint.h"

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>

#include <iterator>

namespace litestream::s3 {

class FakeService::Handler final : public Poco::Net::HTTPRequestHandler {
public:
    explicit Handler(FakeService& service) : service_(service) {}
    void handleRequest(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response) override {
        Asked asked{request.getMethod(),
                    request.getURI(),
                    {},
                    std::string(std::istreambuf_iterator<char>(request.stream()), {})};
        for (const auto& [name, value] : request) asked.headers.emplace(lowerCase(name), value);
        const Answer answer = service_.respond_(asked);
        {
            const std::lock_guard lock(service_.mutex_);
            service_.asked_.push_back(std::move(asked));
        }
        response.setStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(answer.status));
        response.sendBuffer(answer.body.data(), answer.body.size());
    }

private:
    FakeService& service_;
};

class FakeService::Factory final : public Poco::Net::HTTPRequestHandlerFactory {
public:
    explicit Factory(FakeService& service) : service_(service) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override {
        return new Handler(service_);
    }

private:
    FakeService& service_;
};

std::string FakeService::Asked::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
}

FakeService::FakeService(Respond respond) : respond_(std::move(respond)) {
    const Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", 0));
    server_ = std::make_unique<Poco::Net::HTTPServer>(new Factory(*this), socket, new Poco::Net::HTTPServerParams());
    server_->start();
}

FakeService::~FakeService() {
    server_->stopAll(true);
}

std::string FakeService::url() const {
    return "http://127.0.0.1:" + std::to_string(server_->port());
}

std::vector<FakeService::Asked> FakeService::asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
}

}  // namespace litestream::s3
