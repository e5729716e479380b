#include "Credentials.h"

#include <litestream/Error.h>

#include <utility>

namespace litestream::s3 {

namespace {

class StaticCredentials final : public CredentialProvider {
public:
    explicit StaticCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
    Credentials get(const CallContext&) override { return credentials_; }
    bool reject(const Credentials&) override { return false; }

private:
    const Credentials credentials_;
};

Secret secretOr(const OptionValues& options, const char* name) {
    return options.has(name) ? options.secret(name) : Secret();
}

}  // namespace

std::optional<Credentials> givenCredentials(const OptionValues& options) {
    Credentials given{secretOr(options, "access-key-id").reveal(), secretOr(options, "secret-access-key"),
                      secretOr(options, "session-token"), std::nullopt};
    if (given.accessKeyId.empty() && given.secretAccessKey.empty() && given.sessionToken.empty()) return std::nullopt;
    if (given.accessKeyId.empty()) {
        throw Error(ErrorCode::InvalidArgument,
                    "access-key-id is missing. It belongs to a secret-access-key or session-token");
    }
    if (given.secretAccessKey.empty()) {
        throw Error(ErrorCode::InvalidArgument, "secret-access-key is missing. It belongs to an access-key-id");
    }
    return given;
}

std::shared_ptr<CredentialProvider> staticCredentials(Credentials credentials) {
    return std::make_shared<StaticCredentials>(std::move(credentials));
}

}  // namespace litestream::s3
