#include "CaptureRun.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

namespace litestream::sqlite {
namespace {

/// Checks the WAL's own header against the index before the first frame of a generation is read.
WalChecksum seed(const WalReader& wal, const WalIndexHeader& index) {
    constexpr int kAttempts = 3;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        const auto header = wal.header();
        if (header && header->salts == index.aSalt && header->szPage == index.szPage &&
            header->bigEndCksum == index.bigEndCksum) {
            return header->checksum;
        }
    }
    throw WalDamage("the header of the WAL does not belong to the wal-index");
}

void checkPage(PageNumber page, std::uint32_t pageSize, std::uint32_t frame) {
    if (page == 0 || page == lockPage(pageSize)) {
        throw WalDamage("frame " + std::to_string(frame) + " holds page " + std::to_string(page) +
                        ", which no database stores");
    }
}

/// At the end of the log the index repeats what the frames must have said.
void checkEnd(const WalIndexHeader& header, const WalFrame& last) {
    if (last.commit == 0)
        throw WalDamage("the last published frame " + std::to_string(header.mxFrame) + " is no commit");
    if (last.checksum != header.aFrameCksum || last.commit != header.nPage) {
        throw WalDamage("frame " + std::to_string(header.mxFrame) + " is not the one that the wal-index describes");
    }
}

}  // namespace

void GrowthCheck::commit(std::uint32_t pages) {
    if (pages > pages_) {
        std::sort(added_.begin(), added_.end());
        auto next = added_.begin();
        for (std::uint64_t page = std::uint64_t{pages_} + 1; page <= pages; ++page) {
            if (page == lockPage_) continue;
            next = std::lower_bound(next, added_.end(), page);
            if (next == added_.end() || *next != page) {
                throw WalDamage("the database grew from " + std::to_string(pages_) + " to " + std::to_string(pages) +
                                " pages without page " + std::to_string(page));
            }
        }
    }
    pages_ = pages;
    added_.clear();
}

CaptureRun captureFrames(const WalReader& wal, const WalIndexHeader& header, const WalPosition& from,
                         std::uint64_t budgetBytes, PageSink& sink) {
    const WalChecksum start = from.frame == 0 ? seed(wal, header) : from.checksum;
    WalReader::Frames frames(wal, header, from.frame, start);
    GrowthCheck growth(from.commit, header.szPage);
    CaptureRun run{from, false};

    std::uint64_t used = 0;
    while (frames.frame() < header.mxFrame) {
        const WalFrame frame = frames.next();
        checkPage(frame.page, header.szPage, frames.frame());
        growth.page(frame.page);
        sink.page(frame.page, {frame.content, header.szPage});
        used += header.szPage;

        if (frames.frame() == header.mxFrame) checkEnd(header, frame);
        if (frame.commit == 0) continue;
        growth.commit(frame.commit);
        run.position.frame = frames.frame();
        run.position.checksum = frame.checksum;
        run.position.commit = frame.commit;
        if (used >= budgetBytes) break;
    }
    run.more = run.position.frame < header.mxFrame;
    return run;
}

}  // namespace litestream::sqlite
