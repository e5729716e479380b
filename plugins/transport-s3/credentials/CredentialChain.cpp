#include "CredentialChain.h"

#include "ContainerCredentials.h"
#include "EnvironmentCredentials.h"
#include "HttpDocuments.h"
#include "InstanceCredentials.h"
#include "ProfileCredentials.h"
#include "Sts.h"
#include "WebIdentityCredentials.h"

#include <utility>
#include <vector>

namespace litestream::s3 {

namespace {

/// The cache, and what its sources refer to.
class Chain final : public CredentialProvider {
public:
    Chain(Environment environment, std::unique_ptr<Documents> documents, CachedCredentials::Clock clock)
        : documents_(std::move(documents)),
          sts_(environment, *documents_),
          cache_(sources(environment), std::move(clock)) {}

    Credentials get(const CallContext& context) override { return cache_.get(context); }
    bool reject(const Credentials& refused) override { return cache_.reject(refused); }

private:
    std::vector<std::unique_ptr<CredentialSource>> sources(const Environment& environment) {
        auto variables = std::make_unique<EnvironmentCredentials>(environment);
        auto container = std::make_unique<ContainerCredentials>(environment, *documents_);
        auto instance = std::make_unique<InstanceCredentials>(environment, *documents_);
        ProfileCredentials::NamedSources named{{"Environment", variables.get()},
                                               {"EcsContainer", container.get()},
                                               {"Ec2InstanceMetadata", instance.get()}};
        auto profile = std::make_unique<ProfileCredentials>(environment, sts_, std::move(named));
        std::vector<std::unique_ptr<CredentialSource>> sources;
        sources.push_back(std::move(variables));
        sources.push_back(std::make_unique<WebIdentityCredentials>(environment, sts_));
        sources.push_back(std::move(profile));
        sources.push_back(std::move(container));
        sources.push_back(std::move(instance));
        return sources;
    }

    const std::unique_ptr<Documents> documents_;
    const Sts sts_;
    CachedCredentials cache_;
};

}  // namespace

std::shared_ptr<CredentialProvider> makeChain(Environment environment, std::unique_ptr<Documents> documents,
                                              CachedCredentials::Clock clock) {
    return std::make_shared<Chain>(std::move(environment), std::move(documents), std::move(clock));
}

std::shared_ptr<CredentialProvider> credentialChain(std::shared_ptr<Http> http) {
    return makeChain(processEnvironment(), std::make_unique<HttpDocuments>(std::move(http)),
                     &std::chrono::system_clock::now);
}

}  // namespace litestream::s3
