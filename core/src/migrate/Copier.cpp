#include "migrate/Copier.h"

#include <utility>

namespace litestream::migrate {
namespace {

Error otherObject() {
    return Error(ErrorCode::Conflict, "the destination has another object under this name. Remove it there, then migrate again");
}

}  // namespace

Copier::Copier(Transport& from, Transport& to, std::shared_ptr<transport::RateLimit> rate, const ltx::CodecSet& codecs, Patience& patience,
               std::function<void(std::uint64_t)> onBytes)
    : from_(from, rate), to_(to, std::move(rate)), codecs_(codecs), patience_(patience), onBytes_(std::move(onBytes)) {}

std::optional<Error> Copier::copy(const Object& object, const std::function<void()>& beforePut) const {
    auto reason = copyOnce(object, beforePut);
    // What does not pass is read once more, from the beginning: it may have been damaged on the way.
    if (reason && reason->code() == ErrorCode::Corrupt) reason = copyOnce(object, beforePut);
    return reason;
}

std::optional<Error> Copier::copyOnce(const Object& object, const std::function<void()>& beforePut) const {
    std::unique_ptr<CheckedContent> content;
    try {
        content = openChecked(object, pieces(from_, object, onBytes_), codecs_);
        const auto told = content->timestamp();
        const Timestamp timestamp = told ? *told : timestampOf(object);
        beforePut();
        put(object, *content, timestamp);
        return std::nullopt;
    } catch (const Error& error) {
        const bool ofSource = content == nullptr || content->failure().has_value();
        const bool ofObject = ofSource || error.code() == ErrorCode::Conflict;
        const bool heals = transport::RetryPolicy::heals(error.code()) || error.code() == ErrorCode::Cancelled;
        if (patience_.token().cancelled() || !ofObject || heals) throw error.within("copy " + object.key());
        return error;
    }
}

void Copier::put(const Object& object, CheckedContent& content, Timestamp timestamp) const {
    Transport& destination = to_.transport();
    Object there = atDestination(object);
    const std::string key = there.key();
    PutOptions options;
    options.timestamp = timestamp;
    options.onlyIfAbsent = destination.capabilities().conditionalPut;
    bool used = false;
    try {
        patience_.run("put " + key, object.size, [&](const CallContext& context) {
            if (std::exchange(used, true)) content.rewind();
            return destination.put(key, content, options, context);
        });
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Conflict || content.failure()) throw;
        // It exists: an earlier attempt whose answer was lost, or somebody else's.
        there.size = patience_.run("head " + key, 0, [&](const CallContext& context) { return destination.head(key, context); }).size;
        if (!isSame(ends(), object, there, patience_)) throw otherObject();
    }
}

/// Kept with the object where its content tells no time.
Timestamp Copier::timestampOf(const Object& object) const {
    if (from_.transport().capabilities().listsTimestamp) return object.timestamp;
    const std::string key = object.key();
    return patience_.run("head " + key, 0, [&](const CallContext& context) { return from_.transport().head(key, context); }).timestamp;
}

std::optional<Error> Copier::compare(const Object& object, const Object& there) const {
    try {
        if (isSame(ends(), object, there, patience_)) return std::nullopt;
        return otherObject();
    } catch (const Error& error) {
        const bool ofObject = error.code() == ErrorCode::NotFound || error.code() == ErrorCode::Corrupt;
        if (patience_.token().cancelled() || !ofObject) throw error.within("compare " + object.key());
        return error;
    }
}

std::optional<Error> Copier::verify(const Object& object) const {
    const Object there = atDestination(object);
    const auto attempt = [&] { checkObject(there, pieces(to_, there, nullptr), codecs_); };
    try {
        try {
            attempt();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Corrupt) throw;
            attempt();  // it may have been damaged on the way back
        }
        // All of it fits its ending; so it is what was sent when the ending is.
        if (!isSame(ends(), object, there, patience_)) return Error(ErrorCode::Corrupt, "it is not what was sent");
        return std::nullopt;
    } catch (const Error& error) {
        const bool ofObject = error.code() == ErrorCode::NotFound || error.code() == ErrorCode::Corrupt;
        if (patience_.token().cancelled() || !ofObject) throw error.within("verify " + there.key());
        return error;
    }
}

Object Copier::atDestination(const Object& object) const {
    Object there = object;
    there.family = to_.transport().capabilities().layout;
    return there;
}

PieceReader Copier::pieces(const ObjectReader& reader, const Object& object, const std::function<void(std::uint64_t)>& onBytes) const {
    return [this, &reader, onBytes, key = object.key()](std::uint64_t offset, MutableBytes into) {
        patience_.run("get " + key, into.size(), [&](const CallContext& context) {
            reader.read(key, offset, into, context);
            return true;
        });
        if (onBytes) onBytes(into.size());
    };
}

}  // namespace litestream::migrate
