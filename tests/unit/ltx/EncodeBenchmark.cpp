/// What encoding costs: a snapshot of 64 MiB, half words, half noise. Not a test: run benchmark_ltx by hand.

#include "Fixture.h"

#include "ltx/Merge.h"

#include <benchmark/benchmark.h>

namespace litestream::ltx {
namespace {

using testing::Buffer;

constexpr std::uint32_t kPageSize = 4096;
constexpr std::uint32_t kPages = 64 * 1024 * 1024 / kPageSize;

const std::vector<Buffer>& pages() {
    static const std::vector<Buffer> made = [] {
        std::vector<Buffer> list;
        for (std::uint32_t i = 0; i < kPages; ++i) {
            list.push_back(i % 2 == 0 ? testing::textPage(kPageSize, i) : testing::noisePage(kPageSize, i));
        }
        return list;
    }();
    return made;
}

void encodeSnapshot(MemorySink& sink) {
    Encoder encoder(sink, testing::header(kPageSize, kPages, 1, 1), testing::lz4());
    PageNumber number = 0;
    for (const Buffer& page : pages()) encoder.addPage(++number, page);
    encoder.finish();
}

void setBytes(benchmark::State& state) {
    state.SetBytesProcessed(state.iterations() * std::int64_t{kPages} * kPageSize);
}

void encodeSnapshotInMemory(benchmark::State& state) {
    MemorySink sink;
    for (auto _ : state) {
        sink.clear();
        encodeSnapshot(sink);
    }
    setBytes(state);
    state.counters["file"] = static_cast<double>(sink.bytes().size());
}

void decodeSnapshot(benchmark::State& state) {
    MemorySink sink;
    encodeSnapshot(sink);
    for (auto _ : state) verify(testing::sourceOf(sink.bytes()), testing::lz4Set());
    setBytes(state);
}

void mergeSnapshot(benchmark::State& state) {
    MemorySink sink;
    encodeSnapshot(sink);
    MemorySink output;
    for (auto _ : state) {
        output.clear();
        std::vector<Decoder> inputs;
        inputs.emplace_back(testing::sourceOf(sink.bytes()), testing::lz4Set());
        merge(inputs, output, testing::lz4());
    }
    setBytes(state);
}

void checksumOnly(benchmark::State& state) {
    for (auto _ : state) {
        std::uint64_t crc = 0;
        for (const Buffer& page : pages()) crc = crc64(crc, page);
        benchmark::DoNotOptimize(crc);
    }
    setBytes(state);
}

void packOnly(benchmark::State& state) {
    Buffer out(testing::lz4().maxPacked(kPageSize));
    for (auto _ : state) {
        for (const Buffer& page : pages()) benchmark::DoNotOptimize(testing::lz4().pack(page, out));
    }
    setBytes(state);
}

BENCHMARK(encodeSnapshotInMemory)->Unit(benchmark::kMillisecond);
BENCHMARK(decodeSnapshot)->Unit(benchmark::kMillisecond);
BENCHMARK(mergeSnapshot)->Unit(benchmark::kMillisecond);
BENCHMARK(checksumOnly)->Unit(benchmark::kMillisecond);
BENCHMARK(packOnly)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace litestream::ltx

BENCHMARK_MAIN();
