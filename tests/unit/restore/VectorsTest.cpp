#include "Fixture.h"

#include "util/Time.h"

#include <Poco/JSON/Array.h>
#include <gtest/gtest.h>

namespace litestream::restore::test {
namespace {

namespace fs = std::filesystem;
const CallContext kNoLimit;

std::vector<std::string> strings(const Poco::JSON::Array::Ptr& array) {
    std::vector<std::string> result;
    for (unsigned i = 0; array && i < array->size(); ++i) result.push_back(array->getElement<std::string>(i));
    return result;
}

Target targetOf(const std::vector<std::string>& arguments) {
    Target target;
    if (arguments.size() == 2 && arguments[0] == "-txid") target.txid = ltx::parseTxid(arguments[1]);
    if (arguments.size() == 2 && arguments[0] == "-timestamp") target.timestamp = parseRfc3339(arguments[1]);
    return target;
}

/// Replicas that the official program wrote, and what its restore command made of each of their states.
class RealReplica : public ::testing::TestWithParam<const char*> {
protected:
    RealReplica() {
        const fs::path source = dataDirectory() / "ltx/real-cli-0.5.17" / GetParam();
        expected_ = readJson(source / "expected.json");
        copyReplica(source / "replica", directory_.path() / "replica", *expected_->getObject("files"), "replica/");
    }

    void restoresAsUpstream(const std::vector<replica::FileInfo>& files, const Poco::JSON::Object& wanted, const Target& target) {
        const auto made = plan(files, target);
        EXPECT_EQ(planNames(made), strings(wanted.getArray("plan")));
        const fs::path output = directory_.path() / "out" / "restored.db";
        Options options;
        options.output = output;
        options.integrityCheck = IntegrityCheck::Full;
        const Result result = restore(store_, made, codecs(), options);
        EXPECT_EQ(ltx::format(result.txid), wanted.getValue<std::string>("txid"));
        EXPECT_EQ(sha256(output), wanted.getValue<std::string>("db_sha256"));
        EXPECT_EQ(namesIn(output.parent_path()), std::vector<std::string>{"restored.db"});
        fs::remove_all(output.parent_path());
    }

    TemporaryDirectory directory_;
    Poco::JSON::Object::Ptr expected_;
    replica::ReplicaStore store_ = openStore(directory_.path() / "replica");
};

TEST_P(RealReplica, EveryStateIsTheOneThatUpstreamRestores) {
    const auto files = store_.listAll(kNoLimit);
    const auto cases = expected_->getArray("cases");
    ASSERT_GT(cases->size(), 10u);
    for (unsigned i = 0; i < cases->size(); ++i) {
        const auto wanted = cases->getObject(i);
        const auto arguments = strings(wanted->getArray("args"));
        SCOPED_TRACE(arguments.empty() ? "latest" : arguments[0] + " " + arguments[1]);
        const Target target = targetOf(arguments);
        ASSERT_TRUE(arguments.empty() || target.txid || target.timestamp);
        if (!wanted->has("error")) {
            restoresAsUpstream(files, *wanted, target);
        } else if (wanted->getValue<std::string>("error") == "no matching backup files available") {
            const Error error = errorOf([&] { plan(files, target); });
            EXPECT_EQ(error.code(), ErrorCode::NotFound);
            EXPECT_STREQ(error.what(), "no matching backup files available");
        } else {
            // The command's own bounds. Ours are wider: before the first file nothing, behind the last one the latest.
            ASSERT_EQ(wanted->getValue<std::string>("error"), "timestamp does not exist");
            if (i + 1 == cases->size()) {
                restoresAsUpstream(files, *cases->getObject(0), target);
            } else {
                EXPECT_EQ(errorOf([&] { plan(files, target); }).code(), ErrorCode::NotFound);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Cli0517, RealReplica, ::testing::Values("levels", "pg512", "pg65536", "restart", "vacuum"),
                         [](const auto& each) { return std::string(each.param); });

TEST(HandMadeReplica, RestoresBothPageFormsWithAndWithoutTheCompactedFile) {
    const TemporaryDirectory directory;
    fs::copy(dataDirectory() / "ltx/hand-made", directory.path() / "replica", fs::copy_options::recursive);
    auto store = openStore(directory.path() / "replica");
    const Result withLevel1 = restoreLatest(store, directory.path() / "a.db");
    EXPECT_EQ(withLevel1.txid, Txid{9});
    fs::remove_all(directory.path() / "replica/ltx/1");
    const Result without = restoreLatest(store, directory.path() / "b.db");
    EXPECT_EQ(without.txid, Txid{9});
    EXPECT_EQ(sha256(directory.path() / "a.db"), sha256(directory.path() / "b.db"));
}

TEST(VfsReplica, RestoresEveryTxid) {
    const TemporaryDirectory directory;
    const fs::path source = dataDirectory() / "ltx/real-vfs-0.5.17";
    auto store = openStore(source);
    for (std::uint64_t txid = 1; txid <= 5; ++txid) {
        Options options;
        options.output = directory.path() / (std::to_string(txid) + ".db");
        const Result result = restore(store, plan(store.listAll(kNoLimit), {Txid{txid}, {}}), codecs(), options);
        EXPECT_EQ(fs::file_size(options.output), std::uint64_t{result.commit} * result.pageSize);
        EXPECT_EQ(integrity(options.output), "ok");
    }
}

/// One file with one fault each. Restoring must refuse what upstream's command refuses.
TEST(FaultyFiles, AreRefusedByName) {
    const fs::path source = dataDirectory() / "ltx/faulty";
    const auto cases = readJson(source / "expected.json")->getObject("cases");
    unsigned refused = 0;
    for (const auto& [name, value] : *cases) {
        if (name.starts_with("delta-")) continue;
        SCOPED_TRACE(name);
        const TemporaryDirectory directory;
        const fs::path level = directory.path() / "replica/ltx/9";
        fs::create_directories(level);
        const std::string file = "0000000000000001-0000000000000005.ltx";
        fs::copy_file(source / (name + ".ltx"), level / file);
        auto store = openStore(directory.path() / "replica");
        const auto verdict = value.extract<Poco::JSON::Object::Ptr>()->getValue<std::string>("real_cli");
        if (name == "snapshot-checksums-on") {
            // A valid file that keeps database checksums: only upstream's own merge stumbles over them.
            EXPECT_NO_THROW(restoreLatest(store, directory.path() / "out.db"));
            continue;
        }
        // An index that lies is harmless to a reader that ignores it; ours lives by it.
        const bool stricter = name == "index-entry-wrong" || name == "index-size-field-wrong";
        const auto attempt = [&] { restoreLatest(store, directory.path() / "out.db"); };
        if (verdict.starts_with("accepted") && !stricter) {
            try {
                attempt();
                EXPECT_NE(verdict.find(sha256(directory.path() / "out.db")), std::string::npos) << verdict;
            } catch (const Error& error) {
                ADD_FAILURE() << "upstream accepts it, we say: " << error.what();
            }
            continue;
        }
        ++refused;
        const Error error = errorOf(attempt);
        EXPECT_EQ(error.code(), name == "unknown-page-flag" ? ErrorCode::Unsupported : ErrorCode::Corrupt) << error.what();
        EXPECT_NE(std::string(error.what()).find(file), std::string::npos) << error.what();
        EXPECT_EQ(namesIn(directory.path()), std::vector<std::string>{"replica"});
    }
    EXPECT_GT(refused, 25u);
}

}  // namespace
}  // namespace litestream::restore::test
