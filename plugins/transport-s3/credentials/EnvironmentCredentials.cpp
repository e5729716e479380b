#include "EnvironmentCredentials.h"

namespace litestream::s3 {

std::string EnvironmentCredentials::variable(const char* name, const char* standIn, const char* oldName) const {
    auto value = environment_(name);
    if (!value) value = environment_(standIn);
    return value && !value->empty() ? *value : firstOf(environment_, {oldName});
}

std::optional<Credentials> EnvironmentCredentials::fetch(const CallContext&) {
    Credentials credentials{variable("AWS_ACCESS_KEY_ID", "LITESTREAM_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
                            Secret(variable("AWS_SECRET_ACCESS_KEY", "LITESTREAM_SECRET_ACCESS_KEY", "AWS_SECRET_KEY")),
                            Secret(firstOf(environment_, {"AWS_SESSION_TOKEN"})), std::nullopt};
    if (credentials.accessKeyId.empty() || credentials.secretAccessKey.empty()) return std::nullopt;
    return credentials;
}

}  // namespace litestream::s3
