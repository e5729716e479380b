#include "Resolver.h"

#include <Poco/Net/IPAddress.h>

#include <netdb.h>

#include <algorithm>
#include <memory>

namespace litestream::s3 {

namespace {

using Poco::Net::SocketAddress;

/// How soon a look-up notices that its call is cancelled.
constexpr std::chrono::milliseconds kStep{200};

/// A look-up by the C library's own threads, because getaddrinfo() cannot be interrupted and may take half a minute when no name
/// server answers.
struct Lookup {
    Lookup(const std::string& name, std::uint16_t number) : host(name), service(std::to_string(number)) {
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
        request.ar_name = host.c_str();
        request.ar_service = service.c_str();
        request.ar_request = &hints;
    }
    ~Lookup() {
        if (request.ar_result != nullptr) ::freeaddrinfo(request.ar_result);
    }
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;

    const std::string host;
    const std::string service;
    addrinfo hints{};
    gaicb request{};
};

/// Ends a look-up that nobody waits for. One that the library is in the middle of keeps its memory for ever: the
/// library will write to it.
struct Abandon {
    void operator()(Lookup* lookup) const noexcept {
        const int status = ::gai_cancel(&lookup->request);
        if (status == EAI_CANCELED || status == EAI_ALLDONE) delete lookup;
    }
};

void awaitEnd(const Lookup& lookup, const Pace& pace) {
    const auto start = Pace::Clock::now();
    const gaicb* const list[] = {&lookup.request};
    while (::gai_error(const_cast<gaicb*>(&lookup.request)) == EAI_INPROGRESS) {
        pace.check();
        if (Pace::Clock::now() - start >= pace.patience()) {
            throw ConnectionFailure(ConnectionFailure::Kind::Silent, "lookup " + lookup.host + ": no answer from the name server");
        }
        const auto step = std::min<Pace::Clock::duration>(kStep, pace.context().remaining());
        const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(step).count();
        const timespec limit{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
        ::gai_suspend(list, 1, &limit);
    }
}

}  // namespace

std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port, const Pace& pace) {
    pace.check();
    Poco::Net::IPAddress literal;
    if (Poco::Net::IPAddress::tryParse(host, literal)) return {SocketAddress(literal, port)};

    const auto failed = [&](int status) {
        return ConnectionFailure(ConnectionFailure::Kind::Lost, "lookup " + host + ": " + ::gai_strerror(status));
    };
    std::unique_ptr<Lookup, Abandon> lookup(new Lookup(host, port));
    gaicb* list[] = {&lookup->request};
    if (const int status = ::getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr); status != 0) throw failed(status);
    awaitEnd(*lookup, pace);
    if (const int status = ::gai_error(&lookup->request); status != 0) throw failed(status);

    std::vector<SocketAddress> addresses;
    for (const addrinfo* item = lookup->request.ar_result; item != nullptr; item = item->ai_next) {
        addresses.emplace_back(item->ai_addr, item->ai_addrlen);
    }
    return addresses;
}

}  // namespace litestream::s3
