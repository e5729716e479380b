#include "Resolver.h"

#include <Poco/Net/IPAddress.h>

#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace litestream::http {

namespace {

using Poco::Net::SocketAddress;

/// A look-up on a thread of its own, because getaddrinfo() cannot be interrupted and may take half a minute when no name
/// server answers.
struct Lookup {
    Lookup(std::string name, std::uint16_t port) : host(std::move(name)), service(std::to_string(port)) {}
    ~Lookup() {
        if (result != nullptr) ::freeaddrinfo(result);
    }
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;

    void run() {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
        addrinfo* found = nullptr;
        const int outcome = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
        std::lock_guard lock(mutex);
        status = outcome;
        result = found;
        ended = true;
        changed.notify_all();
    }

    const std::string host;
    const std::string service;
    std::mutex mutex;  ///< guards everything below
    std::condition_variable changed;
    bool ended = false;
    int status = 0;
    addrinfo* result = nullptr;
};

/// Keeps this library loaded for ever: a thread that nobody waits for still runs its code.
void pinLibrary() {
    static char here;
    Dl_info info{};
    if (::dladdr(&here, &info) != 0) ::dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

/// False when the call was cancelled or `pace` lost its patience before the look-up ended.
bool awaitEnd(Lookup& lookup, const Pace& pace) {
    const auto registration = pace.context().cancellation.onCancel([&] {
        std::lock_guard lock(lookup.mutex);
        lookup.changed.notify_all();
    });
    const auto limit = std::min(Pace::Clock::now() + pace.patience(), pace.context().deadline);
    std::unique_lock lock(lookup.mutex);
    lookup.changed.wait_until(lock, limit, [&] { return lookup.ended || pace.context().cancellation.cancelled(); });
    return lookup.ended;
}

}  // namespace

std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port, const Pace& pace) {
    pace.check();
    Poco::Net::IPAddress literal;
    if (Poco::Net::IPAddress::tryParse(host, literal)) return {SocketAddress(literal, port)};

    // Shared with the thread, which may outlive the call.
    const auto lookup = std::make_shared<Lookup>(host, port);
    std::thread thread;
    try {
        thread = std::thread([lookup] { lookup->run(); });
    } catch (const std::system_error& error) {
        throw ConnectionFailure(ConnectionFailure::Kind::Lost, "lookup " + host + ": " + error.what());
    }
    if (!awaitEnd(*lookup, pace)) {
        pinLibrary();
        thread.detach();
        pace.check();
        throw ConnectionFailure(ConnectionFailure::Kind::Silent, "lookup " + host + ": no answer from the name server");
    }
    thread.join();
    if (lookup->status != 0) {
        throw ConnectionFailure(ConnectionFailure::Kind::Lost, "lookup " + host + ": " + ::gai_strerror(lookup->status));
    }
    std::vector<SocketAddress> addresses;
    for (const addrinfo* item = lookup->result; item != nullptr; item = item->ai_next) {
        addresses.emplace_back(item->ai_addr, item->ai_addrlen);
    }
    return addresses;
}

}  // namespace litestream::http
