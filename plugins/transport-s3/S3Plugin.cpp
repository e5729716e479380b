/// transport-s3 keeps a replica in a bucket of AWS S3 or of any store that speaks its protocol, in upstream's flat
/// layout. One plugin object holds the HTTP connections and the credentials that are found on this machine, for all
/// replicas of the process.

#include "S3Transport.h"
#include "credentials/Credentials.h"
#include "http/Http.h"
#include "settings/Options.h"
#include "settings/Settings.h"
#include "settings/Url.h"

#include <litestream/Plugin.h>

#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace litestream::s3 {

namespace {

class S3Plugin final : public TransportPlugin {
public:
    explicit S3Plugin(Host& host) : host_(host) {}

    OptionValues parseUrl(std::string_view url) const override {
        ParsedUrl parsed = parseReplicaUrl(url);
        for (const std::string& name : parsed.unknownParameters) {
            warnOnce("replica url: query parameter \"" + name + "\" means nothing and is ignored");
        }
        return std::move(parsed.options);
    }

    std::unique_ptr<Transport> open(const OptionValues& options) override {
        Settings settings = settingsFrom(options);
        for (const std::string& warning : settings.warnings) warnOnce(warning);
        auto given = givenCredentials(options);
        auto provider = given ? staticCredentials(std::move(*given)) : chain_;
        return makeTransport(std::move(settings), std::move(provider), http_, host_);
    }

private:
    /// Replicas are opened more than once: to look at their settings, and to use them.
    void warnOnce(const std::string& text) const {
        const std::lock_guard lock(mutex_);
        if (warned_.insert(text).second) host_.log(LogLevel::Warning, text);
    }

    Host& host_;
    const std::shared_ptr<Http> http_ =
        std::make_shared<Http>(HttpSettings{.bundleVariable = "AWS_CA_BUNDLE"});  ///< shared with the transports, which may outlive this object
    const std::shared_ptr<CredentialProvider> chain_ = credentialChain(http_);
    mutable std::mutex mutex_;  ///< guards warned_
    mutable std::set<std::string> warned_;
};

}  // namespace

}  // namespace litestream::s3

LITESTREAM_DECLARE_TRANSPORT("s3", "1.0.0", "keeps a replica in a bucket of S3 or of a store that speaks its protocol",
                             litestream::s3::kOptions, std::size(litestream::s3::kOptions), "s3",
                             litestream::s3::S3Plugin)
