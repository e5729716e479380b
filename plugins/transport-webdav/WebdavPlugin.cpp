/// transport-webdav keeps a replica in a folder of a WebDAV server (RFC 4918), in upstream's tree layout. An object is sent under a name of its
/// own and gets its final one by a MOVE. One plugin object holds the HTTP connections for all replicas of the process.

#include "Settings.h"
#include "WebdavTransport.h"
#include "http/Http.h"

#include <litestream/Plugin.h>

#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace litestream::webdav {

namespace {

class WebdavPlugin final : public TransportPlugin {
public:
    explicit WebdavPlugin(Host& host) : host_(host) {}

    OptionValues parseUrl(std::string_view url) const override {
        std::vector<std::string> unknown;
        OptionValues options = optionsOfUrl(url, unknown);
        const std::lock_guard lock(mutex_);
        for (const std::string& name : unknown) {
            // Replicas are opened more than once: to look at their settings, and to use them.
            if (warned_.insert(name).second)
                host_.log(LogLevel::Warning,
                          "replica url: query parameter \"" + name + "\" means nothing and is ignored");
        }
        return options;
    }

    std::unique_ptr<Transport> open(const OptionValues& options) override {
        return makeTransport(settingsFrom(options), http_, host_);
    }

private:
    Host& host_;
    const std::shared_ptr<http::Http> http_ =
        std::make_shared<http::Http>();  ///< shared with the transports, which may outlive this object
    mutable std::mutex mutex_;           ///< guards warned_
    mutable std::set<std::string> warned_;
};

}  // namespace

}  // namespace litestream::webdav

LITESTREAM_DECLARE_TRANSPORT("webdav", "1.0.0", "keeps a replica in a folder of a WebDAV server",
                             litestream::webdav::kOptions, std::size(litestream::webdav::kOptions), "webdav webdavs",
                             litestream::webdav::WebdavPlugin)
