#include "WebdavTransport.h"

#include "Client.h"
#include "Collections.h"
#include "Leftovers.h"
#include "Listing.h"
#include "Names.h"
#include "Upload.h"

#include <litestream/Error.h>
#include <litestream/Key.h>

#include <Poco/NumberParser.h>

#include <algorithm>
#include <atomic>
#include <istream>
#include <limits>
#include <string>
#include <utility>

namespace litestream::webdav {

namespace {

constexpr int kBehindTheEnd = 416;
constexpr int kPartial = 206;
constexpr int kExists = 412;
constexpr int kBadGateway = 502;

/// "bytes 0-9/100" -> 100
std::optional<std::uint64_t> totalOf(std::string_view range) {
    const std::size_t slash = range.rfind('/');
    Poco::UInt64 total = 0;
    if (slash == std::string_view::npos ||
        !Poco::NumberParser::tryParseUnsigned64(std::string(range.substr(slash + 1)), total))
        return std::nullopt;
    return total;
}

class WebdavTransport final : public Transport {
public:
    WebdavTransport(Settings settings, std::shared_ptr<http::Http> http, Host& host)
        : client_(std::move(settings), std::move(http)),
          host_(host),
          listing_(client_, leftovers_),
          collections_(client_, listing_),
          upload_(client_, listing_) {}

    const TransportCapabilities& capabilities() const noexcept override { return kCapabilities; }

    std::vector<std::pair<std::string, std::string>> describe() const override {
        return {{"host", http::authority(client_.settings().origin)}, {"path", client_.settings().path}};
    }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override;
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override;
    ObjectInfo head(const std::string& key, const CallContext& context) override;
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        return listing_.list(prefix, startAfter, limit, context);
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override;

private:
    /// No server keeps a time that is not its own, and none of them looks and replaces in one step.
    static constexpr TransportCapabilities kCapabilities{.layout = LayoutFamily::Tree,
                                                         .conditionalPut = false,
                                                         .listsTimestamp = false,
                                                         .requestsAreCounted = false,
                                                         .keepsTimestamp = false,
                                                         .concurrency = 4};

    std::uint64_t store(const std::string& key, Body& body, const PutOptions& options, const std::string& operation,
                        const CallContext& context);
    http::Response move(const std::string& from, const std::string& to, bool overwrite, const std::string& operation,
                        const CallContext& context);
    std::size_t getWhole(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context);
    bool isFolder(const std::string& key, const std::string& operation, const CallContext& context);

    Client client_;
    Host& host_;
    Leftovers leftovers_;
    Listing listing_;
    Collections collections_;
    Upload upload_;
    std::atomic<bool> ignoresRange_{false};
    std::atomic<bool> wantsPath_{false};  ///< as the destination of a MOVE, not a whole URL
};

std::uint64_t WebdavTransport::put(const std::string& key, Body& body, const PutOptions& options,
                                   const CallContext& context) {
    checkNewKey(key);
    context.check("put");
    const std::string operation = "put " + key;
    const std::string folder(folderOf(key));
    collections_.prepare(folder, operation, context);
    std::uint64_t stored = 0;
    try {
        stored = store(key, body, options, operation, context);
    } catch (const Error& error) {
        // Somebody removed the folder that we knew; or it is something else, and comes again.
        if (error.code() != ErrorCode::NotFound) throw;
        collections_.forget();
        collections_.prepare(folder, operation, context);
        body.rewind();
        stored = store(key, body, options, operation, context);
    }
    leftovers_.remove(client_, context);
    return stored;
}

/// Under a name of its own first, since a server may show a file while it comes; the MOVE to a new name is one step. Error(NotFound): there is no
/// such folder.
std::uint64_t WebdavTransport::store(const std::string& key, Body& body, const PutOptions& options,
                                     const std::string& operation, const CallContext& context) {
    const std::string unfinished = unfinishedName(key);
    try {
        const std::uint64_t sent = upload_.send(unfinished, body, operation, context);
        // The last moment at which nothing has happened yet.
        context.check("put");
        const http::Response moved = move(unfinished, key, false, operation, context);
        if (moved.status != kExists) return sent;
        if (options.onlyIfAbsent) throw Error(ErrorCode::Conflict, operation + ": exists already");
        // Apache removes what is in the way of a MOVE before it moves, but replaces in one step what a PUT replaces.
        if (!moved.header("Server").starts_with("Apache")) {
            move(unfinished, key, true, operation, context);
            return sent;
        }
        leftovers_.add(unfinished);
        body.rewind();
        return upload_.send(key, body, operation, context);
    } catch (...) {
        leftovers_.add(unfinished);
        throw;
    }
}

/// Without `overwrite` the answer may be kExists.
http::Response WebdavTransport::move(const std::string& from, const std::string& to, bool overwrite,
                                     const std::string& operation, const CallContext& context) {
    const std::string path = client_.pathOf(to);
    const auto attempt = [&](const std::string& destination, std::vector<int> accepted) {
        if (!overwrite) accepted.push_back(kExists);
        return client_.send({.operation = operation,
                             .method = "MOVE",
                             .path = client_.pathOf(from),
                             .headers = {{"Destination", destination}, {"Overwrite", overwrite ? "T" : "F"}},
                             .accepted = std::move(accepted)},
                            context);
    };
    if (!wantsPath_) {
        http::Response response = attempt(http::urlOf(client_.settings().origin) + path, {kBadGateway});
        if (response.status != kBadGateway) return response;
        // A server behind a proxy that ends TLS takes its own URL for another server's.
        wantsPath_ = true;
    }
    return attempt(path, {});
}

std::size_t WebdavTransport::get(const std::string& key, std::uint64_t offset, MutableBytes into,
                                 const CallContext& context) {
    checkKey(key);
    context.check("get");
    const std::string operation = "get " + key;
    if (into.empty() || offset > UINT64_MAX - into.size()) {
        head(key, context);
        return 0;
    }
    if (ignoresRange_) return getWhole(key, offset, into, context);
    const std::string begin = std::to_string(offset);
    DavCall call{.operation = operation,
                 .method = "GET",
                 .path = client_.pathOf(key),
                 .headers = {{"Range", "bytes=" + begin + "-" + std::to_string(offset + into.size() - 1)}},
                 .accepted = {kBehindTheEnd, 301, 302, 307, 308, 405}};
    const http::Response response = client_.send(call, context, into);
    if (response.status == kBehindTheEnd) return 0;
    if (!response.succeeded()) {
        // Servers send whoever asks for a folder to its name with a slash.
        if (isFolder(key, operation, context))
            throw Error(ErrorCode::NotFound, operation + ": is a folder, not an object");
        call.accepted = {kBehindTheEnd};
        client_.send(call, context, into);
        throw Error(ErrorCode::Transient, operation + ": the server answers one way and another");
    }
    if (response.status != kPartial) {
        if (offset == 0) return response.received;
        if (!ignoresRange_.exchange(true))
            host_.log(LogLevel::Warning,
                      "the server " + http::authority(client_.settings().origin) +
                          " sends whole files where parts are asked for: restores read much more than they need");
        return getWhole(key, offset, into, context);
    }
    const std::string_view range = response.header("Content-Range");
    if (!range.starts_with("bytes " + begin + "-"))
        throw Error(ErrorCode::Transient, operation + ": the server sent another range than asked for");
    const auto total = totalOf(range);
    if (total && response.received < std::min<std::uint64_t>(into.size(), *total - std::min(*total, offset))) {
        throw Error(ErrorCode::Transient, operation + ": the server sent less than the object has");
    }
    return response.received;
}

/// From a server that knows no ranges: what is before the offset is read and dropped.
std::size_t WebdavTransport::getWhole(const std::string& key, std::uint64_t offset, MutableBytes into,
                                      const CallContext& context) {
    std::size_t filled = 0;
    client_.send({.operation = "get " + key,
                  .method = "GET",
                  .path = client_.pathOf(key),
                  .reader =
                      [&](std::istream& content) {
                          constexpr auto kMost =
                              static_cast<std::uint64_t>(std::numeric_limits<std::streamsize>::max());
                          content.ignore(static_cast<std::streamsize>(std::min(offset, kMost)));
                          if (!content) return;
                          content.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
                          filled = static_cast<std::size_t>(content.gcount());
                      }},
                 context);
    return filled;
}

bool WebdavTransport::isFolder(const std::string& key, const std::string& operation, const CallContext& context) {
    const auto found = listing_.find(key, operation, context);
    return !found || found->isFolder;
}

ObjectInfo WebdavTransport::head(const std::string& key, const CallContext& context) {
    checkKey(key);
    context.check("head");
    const std::string operation = "head " + key;
    const auto found = listing_.find(key, operation, context);
    if (!found) throw Error(ErrorCode::NotFound, operation + ": does not exist");
    if (found->isFolder) throw Error(ErrorCode::NotFound, operation + ": is a folder, not an object");
    return {key, found->size, found->modified};
}

std::vector<RemoveFailure> WebdavTransport::remove(std::span<const std::string> keys, const CallContext& context) {
    for (const std::string& key : keys) checkKey(key);
    context.check("remove");
    std::vector<RemoveFailure> failures;
    for (const std::string& key : keys) {
        try {
            // With this depth a folder that lies there is not removed with all that is in it.
            client_.send({.operation = "remove " + key,
                          .method = "DELETE",
                          .path = client_.pathOf(key),
                          .headers = {{"Depth", "0"}},
                          .accepted = {404, 410}},
                         context);
        } catch (const Error& error) {
            if (&key == &keys.front()) throw;
            failures.push_back({key, error.what()});
        }
    }
    return failures;
}

}  // namespace

std::unique_ptr<Transport> makeTransport(Settings settings, std::shared_ptr<http::Http> http, Host& host) {
    return std::make_unique<WebdavTransport>(std::move(settings), std::move(http), host);
}

}  // namespace litestream::webdav
