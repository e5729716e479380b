#include "engine/Database.h"

#include "engine/AutoSource.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>

#include <sys/stat.h>

#include <algorithm>

namespace litestream::engine {

namespace {

/// From then on somebody may want to know why nothing is replicated yet.
constexpr auto kSlowContact = std::chrono::seconds(10);

MetaPaths metaPaths(const DatabaseOptions& options) {
    MetaPaths paths = options.metaPath.empty() ? MetaPaths::beside(options.path) : MetaPaths{options.metaPath};
    std::error_code error;
    std::filesystem::create_directories(paths.directory, error);
    if (error) {
        throw Error(ErrorCode::Denied, "create metadata directory " + paths.directory.string() + ": " + error.message() +
                                           ". Make the directory writable or configure meta-path");
    }
    std::filesystem::permissions(paths.directory, std::filesystem::perms::owner_all, error);
    return paths;
}

/// What a file-like replica gives to its files: the database's own mode and owner, and those of its directory.
FileAttributes attributesOf(const std::filesystem::path& database) {
    FileAttributes attributes;
    struct stat info{};
    if (::stat(database.c_str(), &info) != 0) return attributes;
    attributes.fileMode = info.st_mode & 0777;
    attributes.owner = {info.st_uid, info.st_gid};
    if (::stat(database.parent_path().c_str(), &info) == 0) attributes.directoryMode = info.st_mode & 0777;
    return attributes;
}

}  // namespace

Database::Database(Services& services, const DatabaseOptions& options)
    : services_(services),
      options_(options),
      meta_(metaPaths(options)),
      lock_(meta_.lock()),
      codec_(services.registry.openCodec(options.codec, options.codecOptions)),
      strand_(services.workers.get_executor()),
      timer_(services.workers),
      journal_(meta_.journal()),
      sumsFile_(meta_.pageSums()),
      sums_(sumsFile_, sumsEvents()),
      cadence_(std::nullopt, false),
      fullReconciles_(services.limits.fullReconcileInterval) {
    for (const auto& chosen : options.replicas) {
        const transport::Stack stack{.retry = services.limits.retry,
                                     .rate = services.rate,
                                     .label = {{"db", options.path.string()}, {"replica", chosen.name}}};
        Replica& replica = replicas_.emplace_back();
        replica.name = chosen.name;
        replica.requests = stack.metrics;
        replica.store = std::make_shared<replica::ReplicaStore>(
            transport::open(services.registry, chosen.transport, chosen.options, stack));
    }
    const bool anyCounted = std::any_of(replicas_.begin(), replicas_.end(), [](const auto& replica) {
        return replica.store->capabilities().requestsAreCounted;
    });
    cadence_ = Cadence(options.syncInterval, anyCounted);
}

void Database::start() {
    const std::weak_ptr<Database> weak = weak_from_this();
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
        replicas_[i].uploader = makeUploader(i);
        replicas_[i].keeper = makeKeeper(i);
    }
    const SourceContext context{options_.path, [weak](Wake reason) {
                              if (const auto self = weak.lock()) self->wake(reason);
                          }};
    source_ = openSource(services_.registry, options_.source, context, options_.sourceOptions);
    for (std::size_t i = 0; i < replicas_.size(); ++i) surveyReplica(i);
}

std::shared_ptr<replica::Uploader> Database::makeUploader(std::size_t index) {
    // Events come on I/O threads; everything else happens on the strand.
    const auto onStrand = [weak = weak_from_this()](auto action) {
        if (const auto self = weak.lock()) self->post(action);
    };
    replica::Uploader::Events events;
    events.stored = [=](const replica::Upload& upload, std::uint64_t bytes) {
        onStrand([=](Database& self) { self.stored(index, upload, bytes); });
    };
    events.failed = [=](const replica::Upload& upload, const Error& error, unsigned, std::chrono::milliseconds wait) {
        onStrand([=](Database& self) { self.failed(index, upload, error, wait); });
    };
    events.met = [=](const replica::FileInfo& there, std::uint64_t checksum) {
        onStrand([=](Database& self) { self.replicas_[index].met = {there, checksum}; });
    };
    events.stopped = [=](const std::string& reason) {
        onStrand([=](Database& self) { self.stopped(index, reason); });
    };
    return std::make_shared<replica::Uploader>(replicas_[index].store, services_.io, std::move(events), services_.limits.retry);
}

void Database::attach() {
    if (state_ != State::Detached) return;
    if (batch_ && !batch_->empty()) {
        // Captured before the database went away: whole and true, so it goes out first.
        if (!encoding_) startCut();
    }
    if (std::chrono::steady_clock::now() < attachNotBefore_) {
        armTimer(attachNotBefore_);
        return;
    }
    if (encoding_ || (batch_ && !batch_->empty()) || state_ != State::Detached) return;
    attributes_ = attributesOf(options_.path);
    if (contactBegunAt_) {
        if (drain()) {
            firstContact();
        } else {
            contactBegunAt_.reset();
        }
        settleWaiters();
        return;
    }
    try {
        attachOutcome(source_->attach(provable_ ? &*provable_ : nullptr));
    } catch (const Error& error) {
        refuse(error);
        armTimer(std::chrono::steady_clock::now() + std::chrono::seconds(1));
    }
    settleWaiters();
}

void Database::attachOutcome(const Attachment& attachment) {
    if (attachment.outcome == Attachment::Outcome::Detached) {
        if (attachment.reason != stateReason_) log::debug("waiting for database", {{"db", options_.path.string()}, {"reason", attachment.reason}});
        stateReason_ = attachment.reason;
        refused_ = false;
        return;
    }
    caughtUp_ = refused_ = false;
    pageSize_ = attachment.pageSize;
    commit_ = attachment.commit;
    if (attachment.outcome == Attachment::Outcome::Proved) {
        position_ = *provable_;
        state_ = State::Tracking;
        stateReason_.clear();
        log::debug("following", {{"db", options_.path.string()}, {"txid", ltx::format(txid_)}});
        wake(Wake::Pressing);
        return;
    }
    if (txid_) {
        state_ = State::Lost;
        lost(attachment.reason);
    } else {
        firstContact();
    }
}

void Database::firstContact() {
    // Nothing exists yet: the image of this moment becomes TXID 1, as a snapshot that every replica gets.
    try {
        const auto image = source_->image();
        txid_ = Txid{1};
        pageSize_ = image->pageSize();
        commit_ = image->pageCount();
        position_ = image->position();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Transient) {
            contactPostponed(error);
        } else {
            contactFailed(error);
        }
        return;
    }
    contactBegunAt_.reset();
    try {
        journal_.append({txid_, position_, 0, timestamp(), commit_});
    } catch (const Error& error) {
        contactFailed(error);
        return;
    }
    state_ = State::Tracking;
    stateReason_.clear();
    wake(Wake::Pressing);
}

void Database::contactPostponed(const Error& error) {
    // A source may need its time for an image, and goes on with it at the next attempt.
    const auto now = std::chrono::steady_clock::now();
    if (!contactBegunAt_) contactBegunAt_ = now;
    armTimer(now + std::chrono::milliseconds(100));
    if (stateReason_ == error.what() || now - *contactBegunAt_ < kSlowContact) return;
    stateReason_ = error.what();
    log::info("waiting for the first image", {{"db", options_.path.string()}, {"reason", stateReason_}});
}

void Database::contactFailed(const Error& error) {
    source_->detach();
    contactBegunAt_.reset();
    state_ = State::Detached;
    txid_ = {};
    refuse(error);
    armTimer(std::chrono::steady_clock::now() + std::chrono::seconds(1));
}

void Database::refuse(const Error& error) {
    if (stateReason_ != error.what()) log::error("cannot replicate", {{"db", options_.path.string()}, {"error", error.what()}});
    stateReason_ = error.what();
    refused_ = error.code() != ErrorCode::Transient;
}

void Database::armTimer(std::chrono::steady_clock::time_point when) {
    // One timer serves everything that waits: the earliest moment counts, and each turn finds out what is due.
    if (cancelled_ || (timerAt_ && *timerAt_ <= when)) return;
    timerAt_ = when;
    timer_.expires_at(when);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
        const auto self = weak.lock();
        if (cancelled || !self) return;
        self->post([](Database& database) {
            database.timerAt_.reset();
            database.turn();
        });
    });
}

void Database::await(Aim aim, Done done) {
    post([aim, done = std::move(done)](Database& self) {
        self.waiters_.push_back({done, aim, self.options_.patience});
        self.caughtUp_ = false;
        self.forced_ = true;
        if (self.inHurry()) self.hurryReplicas();
        self.turn();
        self.settleWaiters();
    });
}

void Database::close(bool once, Done done) {
    post([once, done = std::move(done)](Database& self) {
        self.closing_ = true;
        const auto patience = once ? std::chrono::nanoseconds(0) : self.options_.patience;
        self.waiters_.push_back({done, Aim::Synced, patience});
        self.caughtUp_ = false;
        self.forced_ = true;
        self.hurryReplicas();
        self.attach();
        self.turn();
        self.settleWaiters();
    });
}

void Database::cancel() {
    cancelled_ = true;
    surveys_.cancel();
    for (auto& replica : replicas_) {
        if (replica.uploader) replica.uploader->close();
        if (replica.keeper) replica.keeper->cancel();
    }
    post([](Database& self) {
        self.timer_.cancel();
        self.state_ = State::Closed;
    });
}

void Database::finish() {
    for (const auto& waiter : std::exchange(waiters_, {})) waiter.done(Error(ErrorCode::Cancelled, "stopped"));
    for (const auto& payload : unsent_) {
        try {
            if (needed(*payload)) payload->persist();
        } catch (const Error& error) {
            log::warn("unsent data was not saved; the next start compares the database with its replicas",
                      {{"db", options_.path.string()}, {"error", error.what()}});
        }
    }
    for (auto& replica : replicas_) {
        replica.uploader.reset();
        if (replica.keeper) replica.keeper->close();
    }
    batch_.reset();
    if (source_) source_->detach();
    source_.reset();
    try {
        if (lineage_ != 0) journal_.flush();
        if (sums_.txid()) sumsFile_.flush();
    } catch (const Error& error) {
        log::debug("local state not flushed", {{"db", options_.path.string()}, {"error", error.what()}});
    }
}

void Database::status(std::function<void(DatabaseStatus)> done) {
    post([done = std::move(done)](const Database& self) {
        static constexpr const char* kStates[] = {"surveying", "detached", "tracking", "reconciling", "closed"};
        static constexpr const char* kReplicaStates[] = {"unreachable", "following", "waiting for a snapshot", "seeding",
                                                         "stopped"};
        DatabaseStatus status;
        status.path = self.options_.path;
        status.state = kStates[static_cast<int>(self.state_)];
        if (!self.stateReason_.empty()) status.state += ": " + self.stateReason_;
        status.txid = self.txid_;
        if (self.source_) status.source = self.source_->status();
        for (const auto& replica : self.replicas_) {
            ReplicaStatus& one = status.replicas.emplace_back();
            one.name = replica.name;
            one.state = kReplicaStates[static_cast<int>(replica.state)];
            one.acknowledged = replica.acknowledged;
            one.behind = self.txid_ > replica.acknowledged ? self.txid_.value - replica.acknowledged.value : 0;
            for (const auto& payload : self.unsent_) {
                if (payload->identity().txid > replica.acknowledged && !one.lacking) one.lacking = payload->identity().timestamp;
            }
            const auto& held = replica.keeper->inventory();
            one.files = held.size();
            one.bytes = held.bytes();
            one.proven = held.proven();
            one.lastError = replica.lastError;
            one.requests = replica.requests;
        }
        status.reconciles = self.reconciles_;
        status.lastReconcile = self.lastReconcile_;
        done(std::move(status));
    });
}

}  // namespace litestream::engine
