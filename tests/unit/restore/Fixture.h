#pragma once

#include "plugin/Registry.h"
#include "replica/ReplicaStore.h"
#include "restore/Restore.h"
#include "support/ErrorOf.h"
#include "support/TemporaryDirectory.h"

#include <litestream/Error.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <Poco/JSON/Object.h>

namespace litestream::restore::test {

using litestream::test::TemporaryDirectory;
using litestream::test::errorOf;

/// The plugins of this build.
const plugin::Registry& registry();
const ltx::CodecSet& codecs();

/// A replica in a directory, read through the real file transport.
std::unique_ptr<Transport> openTransport(const std::filesystem::path& directory);
replica::ReplicaStore openStore(const std::filesystem::path& directory);

/// Passes everything on to a real transport; `beforeGet` may throw.
std::unique_ptr<Transport> watched(std::unique_ptr<Transport> inner, std::function<void(const std::string& key)> beforeGet);

std::filesystem::path dataDirectory();
Poco::JSON::Object::Ptr readJson(const std::filesystem::path& file);
/// Copies a replica and gives its files the times that `expected` has; version control keeps none.
void copyReplica(const std::filesystem::path& from, const std::filesystem::path& to, const Poco::JSON::Object& files,
                 const std::string& stripped);

std::string sha256(const std::filesystem::path& file);
std::vector<std::byte> readBytes(const std::filesystem::path& file);
void writeBytes(const std::filesystem::path& file, ConstBytes bytes);
std::vector<std::string> namesIn(const std::filesystem::path& directory);

/// The plan as the vectors write it: "0/0000000000000001-0000000000000001.ltx"
std::vector<std::string> planNames(const std::vector<replica::FileInfo>& plan);

/// Plans the latest state and restores it.
Result restoreLatest(replica::ReplicaStore& store, const std::filesystem::path& output, IntegrityCheck check = IntegrityCheck::None);

/// PRAGMA integrity_check by SQLite itself, in a process-private copy.
std::string integrity(const std::filesystem::path& database);

}  // namespace litestream::restore::test
