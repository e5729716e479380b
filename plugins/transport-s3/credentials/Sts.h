#pragma once

#include "Credentials.h"
#include "Documents.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream::s3 {

/// What a role is assumed with.
struct Role {
    std::string arn;
    std::string sessionName;  ///< "" = litestream
    std::string externalId;   ///< "" = none
    std::string duration;     ///< seconds, "" = what the service thinks fit
    std::string region;       ///< of the service; "" = AWS_REGION, AWS_DEFAULT_REGION, or the global one
};

/// Amazon's Security Token Service, over https. AWS_ENDPOINT_URL_STS names another one. Thread-safe.
class Sts {
public:
    /// `documents` outlives this object.
    Sts(Environment environment, Documents& documents) : environment_(std::move(environment)), documents_(documents) {}

    /// Both throw Error(Denied) with the service's code and message when it refuses, Error(Transient) when it fails.
    Credentials assumeRole(const Role& role, const Credentials& base, const CallContext& context) const;
    Credentials assumeRoleWithWebIdentity(const Role& role, const Secret& token, const CallContext& context) const;

private:
    std::string regionOf(const Role& role) const;
    DocumentRequest request(const char* action, const Role& role) const;
    Credentials send(const DocumentRequest& request, const Role& role, const CallContext& context) const;

    const Environment environment_;
    Documents& documents_;
};

}  // namespace litestream::s3
