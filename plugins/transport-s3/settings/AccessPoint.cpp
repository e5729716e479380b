#include "AccessPoint.h"

#include "../base/Endpoint.h"

#include <litestream/Error.h>

#include <Poco/StringTokenizer.h>

namespace litestream::s3 {

bool isArn(std::string_view bucket) {
    return lowerCase(bucket.substr(0, 4)) == "arn:";
}

AccessPoint parseAccessPoint(std::string_view arn) {
    constexpr std::string_view kType = "accesspoint/";
    const Poco::StringTokenizer fields(std::string(arn), ":");
    if (fields.count() == 6 && fields[5].starts_with(kType) && fields[5].size() > kType.size()) {
        return {fields[3], fields[4], fields[5].substr(kType.size())};
    }
    throw Error(ErrorCode::InvalidArgument, "invalid s3 access point arn: " + std::string(arn));
}

}  // namespace litestream::s3
