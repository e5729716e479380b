#pragma once

#include <string>
#include <string_view>

namespace litestream::s3 {

/// arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME, taken apart.
struct AccessPoint {
    std::string region;
    std::string account;
    std::string name;
};

bool isArn(std::string_view bucket);

/// Throws Error(InvalidArgument) for anything else than the ARN of an access point.
AccessPoint parseAccessPoint(std::string_view arn);

}  // namespace litestream::s3
