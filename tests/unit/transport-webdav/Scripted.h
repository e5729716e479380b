#pragma once

#include "../http/Server.h"
#include "WebdavTransport.h"

#include <litestream/Plugin.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace litestream::webdav {

/// A server that answers what a test says, and a transport that talks to it.
class Scripted {
public:
    struct Answer {
        int status = 200;
        std::string body = {};
        std::string headers = {};
    };
    /// Gets "METHOD /path" and the whole request.
    using Script = std::function<Answer(const std::string& line, const std::string& request)>;

    explicit Scripted(Script script)
        : server_([this, script](http::Peer& peer, int) {
              for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
                  const std::string line = request.substr(0, request.find(" HTTP/"));
                  {
                      const std::lock_guard lock(mutex_);
                      lines_.push_back(line);
                  }
                  const Answer answer = script(line, request);
                  peer.answer(answer.status, answer.body, answer.headers);
              }
          }) {
        Settings settings;
        settings.origin = server_.origin();
        settings.root = "/db";
        transport = makeTransport(std::move(settings), std::make_shared<http::Http>(), log);
    }

    /// What was asked for, in its order.
    std::vector<std::string> lines() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

    class Log final : public Host {
    public:
        void log(LogLevel, std::string_view message) override { lines.emplace_back(message); }
        std::vector<std::string> lines;  ///< of one thread
    };
    Log log;
    std::unique_ptr<Transport> transport;

private:
    std::mutex mutex_;  ///< guards lines_
    std::vector<std::string> lines_;
    http::Server server_;
};

/// A resource of a multistatus document.
inline std::string resource(const std::string& href, std::size_t size,
                            const char* modified = "Sun, 22 Nov 2026 22:46:09 GMT") {
    return "<response><href>" + href + "</href><propstat><prop><resourcetype>" +
           (href.ends_with('/') ? "<collection/>" : "") + "</resourcetype><getcontentlength>" + std::to_string(size) +
           "</getcontentlength><getlastmodified>" + modified +
           "</getlastmodified></prop><status>HTTP/1.1 200 OK</status></propstat></response>";
}

inline Scripted::Answer multistatus(const std::string& resources) {
    return {207, "<multistatus xmlns=\"DAV:\">" + resources + "</multistatus>",
            "Date: Tue, 24 Nov 2026 00:00:00 GMT\r\n"};
}

}  // namespace litestream::webdav
