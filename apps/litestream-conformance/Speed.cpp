#include "litestream-conformance/Speed.h"

#include "litestream-conformance/Child.h"
#include "litestream-conformance/suites/SamplePages.h"
#include "litestream-conformance/suites/Subroot.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace litestream::conformance {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kTimeForOne = 1s;
constexpr std::uint64_t kMostCalls = 5000;

/// What these calls, which moved `bytes` together, say.
Measurement summary(std::string operation, std::uint64_t bytes, std::vector<std::uint64_t>& nanoseconds) {
    const double sum = std::max(std::accumulate(nanoseconds.begin(), nanoseconds.end(), 0.0), 1.0);
    const auto middle = nanoseconds.begin() + static_cast<std::ptrdiff_t>(nanoseconds.size() / 2);
    std::nth_element(nanoseconds.begin(), middle, nanoseconds.end());
    return {std::move(operation), nanoseconds.size(), *middle,
            static_cast<std::uint64_t>(static_cast<double>(bytes) * 1e9 / sum), 0};
}

/// Calls `action(n)` until a second is over or `most` calls are done.
template <class Action>
Measurement measure(std::string operation, std::uint64_t bytesPerCall, std::uint64_t most, Action&& action) {
    std::vector<std::uint64_t> times;
    Clock::duration sum{};
    while (times.size() < most && sum < kTimeForOne) {
        const auto begun = Clock::now();
        action(times.size());
        const auto took = Clock::now() - begun;
        sum += took;
        times.push_back(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
    }
    return summary(std::move(operation), bytesPerCall * times.size(), times);
}

std::vector<Measurement> measureTransport(Transport& root) {
    struct Size {
        const char* name;
        std::size_t bytes;
        std::uint64_t most;
    };
    std::vector<Measurement> found;
    for (const Size& size : {Size{"4 KiB", 4096, 1000}, Size{"8 MiB", 8u << 20, 5}}) {
        const std::string content = noise(size.bytes, 7);
        std::string buffer(size.bytes, '\0');
        const auto key = [&](std::uint64_t i) {
            return "speed/" + std::to_string(size.bytes) + "/" + std::to_string(i);
        };
        found.push_back(measure(std::string("put ") + size.name, size.bytes, size.most, [&](std::uint64_t i) {
            MemoryBody body(content);
            root.put(key(i), body, {}, {});
        }));
        const std::uint64_t objects = found.back().calls;
        found.push_back(measure(std::string("get ") + size.name, size.bytes, size.most, [&](std::uint64_t i) {
            root.get(key(i % objects), 0, std::as_writable_bytes(std::span(buffer)), {});
        }));
    }
    std::size_t listed = 0;
    found.push_back(measure("list", 0, 200, [&](std::uint64_t) { listed = root.list("speed/", "", 1000, {}).size(); }));
    found.back().operation += " of " + std::to_string(listed) + " objects";
    return found;
}

std::vector<Measurement> measureCodec(const Codec& codec) {
    std::vector<Measurement> found;
    for (const auto& [name, page] :
         {std::pair{"text", textPage(4096)}, std::pair{"half-empty b-tree page", samplePages(4096).back()},
          std::pair{"random bytes", noise(4096, 3)}}) {
        std::string packed(codec.maxPacked(page.size()), '\0');
        std::string unpacked(page.size(), '\0');
        std::size_t length = 0;
        const auto in = std::as_bytes(std::span(page));
        const auto out = std::as_writable_bytes(std::span(packed));
        found.push_back(measure(std::string("pack 4 KiB of ") + name, page.size(), kMostCalls * 20,
                                [&](std::uint64_t) { length = codec.pack(in, out); }));
        found.back().permille = length * 1000 / page.size();
        found.push_back(
            measure(std::string("unpack 4 KiB of ") + name, page.size(), kMostCalls * 20, [&](std::uint64_t) {
                codec.unpack(codec.written().flags, out.first(length), std::as_writable_bytes(std::span(unpacked)));
            }));
    }
    return found;
}

/// Takes what is captured and forgets it.
class CountingSink final : public PageSink {
public:
    void page(PageNumber, ConstBytes content) override { bytes += content.size(); }
    std::uint64_t bytes = 0;
};

/// Commits of about 8 MiB, and images of as much.
std::vector<Measurement> measureSource(const SourceCandidate& candidate) {
    const auto database = candidate.directory / "speed.db";
    DatabaseClient client(database);
    createDatabase(client, candidate.journalMode);
    client.must(insertRows(14000));
    const auto source = candidate.open({database, [](Wake) {}});
    source->attach(nullptr);
    source->release(source->image()->position());
    std::vector<Measurement> found;
    for (const auto& [name, script] : {std::pair{"capture a commit of one row", std::string(kInsert)},
                                       std::pair{"capture a commit of 8 MiB", std::string(kUpdateAll)}}) {
        CountingSink sink;
        std::vector<std::uint64_t> times;
        for (int i = 0; i < 10; ++i) {
            client.must(script);
            const auto begun = Clock::now();
            const Capture captured = source->capture(std::uint64_t{64} << 20, sink);
            times.push_back(static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - begun).count()));
            source->release(captured.position);
        }
        found.push_back(summary(name, sink.bytes, times));
    }
    std::vector<std::byte> pages(1 << 20);
    const auto image = source->image();
    const std::uint32_t most =
        std::min(image->pageCount(), static_cast<std::uint32_t>(pages.size() / image->pageSize()));
    found.push_back(measure("read 1 MiB of an image", std::uint64_t{most} * image->pageSize(), 100, [&](std::uint64_t) {
        image->read(1, std::span(pages).first(std::size_t{most} * image->pageSize()));
    }));
    return found;
}

std::vector<Measurement> measureOne(const Subject& subject) {
    if (subject.plugin().kind == PluginKind::Codec) return measureCodec(*subject.codec().open());
    if (subject.plugin().kind == PluginKind::Transport) {
        const TransportCandidate candidate = subject.transport();
        Subroot root(candidate.open(), candidate.root + "/");
        auto found = measureTransport(root);
        removeAll(root);
        return found;
    }
    return measureSource(subject.source());
}

}  // namespace

std::vector<Measurement> measureSpeed(const Subject& subject, std::chrono::nanoseconds limit) {
    const ChildResult result = inChild(limit, [&](RecordWriter& writer) {
        for (const Measurement& one : measureOne(subject)) {
            writer.send({one.operation, std::to_string(one.calls), std::to_string(one.medianNanoseconds),
                         std::to_string(one.bytesPerSecond), std::to_string(one.permille)});
        }
    });
    std::vector<Measurement> found;
    for (const Record& record : result.records) {
        if (record.size() == 5)
            found.push_back({record[0], std::stoull(record[1]), std::stoull(record[2]), std::stoull(record[3]),
                             std::stoull(record[4])});
    }
    return found;
}

}  // namespace litestream::conformance
