"""`replicate -once` and its flags: one pass, then the end, with an exit code that cron can believe."""

import re
import time

import harness
from harness import ours_only, url_of

# Nobody listens on port 1.
DEAD = "s3://bucket/db?endpoint=http://127.0.0.1:1&region=us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


def messages(replicator):
    return [quoted or word for quoted, word in re.findall(r'msg=(?:"([^"]*)"|(\S+))', replicator.output())]


def names(replica, level):
    return sorted(path.stem for path in (replica / "ltx" / str(level)).glob("*.ltx"))


class OnceTestCase(harness.TestCase):
    def once(self, *flags, config=None, urls=(), expect=0, db=None, env=None):
        """Runs it to its end."""
        if config is None:
            process = self.replicate(*urls, db=db, flags=["-once", *flags], env=env)
        else:
            process = self.start(harness.Replicator([harness.PROGRAM, "replicate", "-once", *flags, "-config", config], self._log("replicate"), env))
        began = time.monotonic()
        self.assertEqual(expect, process.wait(120), process.output())
        process.took = time.monotonic() - began
        return process

    def configuration(self, databases, top=""):
        """{database: [url, ...]}"""
        text = top + "dbs:\n"
        for db, urls in databases.items():
            text += f"  - path: {db}\n    replicas:\n" + "".join(f"      - url: {url}\n" for url in urls)
        config = self.dir / "litestream.yml"
        config.write_text(text)
        return config

    def test_SendsEverythingAndEnds(self):
        newest = self.write_now(count=50)["newest"]
        process = self.once()
        expected = ["litestream", "initialized db", "replicating to", "syncing database", "one-shot replication complete",
                    "replication complete, litestream shutting down", "litestream shut down"]
        self.assertEqual(expected, [message for message in messages(process) if message in expected])
        self.assertEqual(newest, self.judge(self.restore())["n"])
        newest = self.write_now(count=50)["newest"]
        self.once()
        self.assertEqual(newest, self.judge(self.restore())["n"])

    def test_WhileTheApplicationGoesOn(self):
        writer = self.write(seconds=6, rate=200)
        harness.wait_for(lambda: self.db.exists() and harness.newest_commit(self.commit_log) > 20, "some commits")
        for _ in range(3):
            before = harness.newest_commit(self.commit_log)
            self.once()
            self.assertGreaterEqual(self.judge(self.restore())["n"], before)
        self.assertEqual(0, writer.summary()["errors"])

    def test_EveryDatabaseOfAConfiguration(self):
        others = {self.dir / f"db{i}.db": [url_of(self.dir / f"r{i}a"), url_of(self.dir / f"r{i}b")] for i in range(3)}
        newest = {db: self.write_now(db=db, count=10 + i, log=self.dir / f"log{i}")["newest"] for i, db in enumerate(others)}
        self.once(config=self.configuration(others))
        for db, urls in others.items():
            for url in urls:
                self.assertEqual(newest[db], self.judge(self.restore(url))["n"], url)

    def test_AMissingDatabaseIsAnErrorAndTheOthersAreSent(self):
        newest = self.write_now(count=10)["newest"]
        missing = self.dir / "missing.db"
        process = self.once(config=self.configuration({missing: [url_of(self.dir / "none")], self.db: [url_of(self.replica)]}), expect=1)
        print(f"ended after {process.took:.2f} s")
        self.assertIn(f"Error: sync replica for {missing}: no position, waiting for data\n", process.output())
        self.assertIn("litestream shut down", messages(process))
        self.assertEqual(newest, self.judge(self.restore())["n"])
        self.assertFalse(missing.exists())

    def test_RefusesWhatMakesNoSense(self):
        for flags, text in ((["-once", "-exec", "true"], "cannot specify -once flag with -exec"),
                            (["-force-snapshot"], "cannot specify -force-snapshot flag without -once"),
                            (["-enforce-retention"], "cannot specify -enforce-retention flag without -once")):
            process = self.replicate(flags=flags)
            self.assertEqual(1, process.wait())
            self.assertEqual(f"Error: {text}\n", process.output())

    @ours_only
    def test_ADeadReplicaFailsItAndTheOtherOneHasEverything(self):
        newest = self.write_now(count=10)["newest"]
        config = self.configuration({self.db: [url_of(self.replica), DEAD]}, top="shutdown-sync-timeout: 2s\n")
        process = self.once(config=config, expect=1, env=KEYS)
        print(f"ended after {process.took:.2f} s")
        self.assertRegex(process.output(), f"Error: sync replica for {self.db}: s3: .*connection refused")
        self.assertEqual(newest, self.judge(self.restore())["n"])

    @ours_only
    def test_NothingIsCompactedOrDeleted(self):
        config = self.configuration({self.db: [url_of(self.replica)]},
                                    top="levels: [{interval: 1ms}]\nsnapshot: {interval: 1ms, retention: 1ms}\nl0-retention: 1ms\n")
        seen = set()
        for _ in range(4):
            self.write_now(count=3)
            self.once(config=config)
            now = set(harness.object_files(self.replica))
            self.assertLessEqual(seen, now)
            seen = now
        self.assertEqual([], names(self.replica, 1))
        self.assertEqual(1, len(names(self.replica, 9)))

    @ours_only
    def test_ASnapshotOfTheNewestState(self):
        second = self.dir / "second"
        newest = self.write_now(count=10)["newest"]
        urls = [url_of(self.replica), url_of(second)]
        self.once("-force-snapshot", urls=urls)
        first = [names(place, 9) for place in (self.replica, second)]
        self.assertEqual([1, 1], [len(found) for found in first], "the first copy is a snapshot")

        process = self.once("-force-snapshot", urls=urls)
        self.assertIn("snapshot is up to date", messages(process))
        self.assertEqual(first, [names(place, 9) for place in (self.replica, second)])

        newest = self.write_now(count=10)["newest"]
        self.once("-force-snapshot", urls=urls)
        for place in (self.replica, second):
            self.assertEqual(2, len(names(place, 9)))
            newest_cut = max(name.split("-")[1] for name in names(place, 0))
            end = names(place, 9)[-1].split("-")[1]
            self.assertLessEqual(end, newest_cut, "level 0 must not lag behind another level")
            # Of the snapshot alone.
            self.assertEqual(newest, self.judge(self.restore(place, flags=["-txid", end]))["n"])
        # What follows the snapshot is an anchor without pages: a third time there is nothing to do.
        again = harness.object_files(self.replica)
        self.once("-force-snapshot", urls=urls)
        self.assertEqual(again, harness.object_files(self.replica))

    @ours_only
    def test_ASnapshotWhileTheApplicationGoesOn(self):
        writer = self.write(seconds=8, rate=300)
        harness.wait_for(lambda: self.db.exists() and harness.newest_commit(self.commit_log) > 20, "some commits")
        self.once()
        before = harness.newest_commit(self.commit_log)
        self.once("-force-snapshot")
        self.assertEqual(2, len(names(self.replica, 9)))
        self.assertGreaterEqual(self.judge(self.restore(flags=["-txid", names(self.replica, 9)[-1].split("-")[1]]))["n"], before)
        self.assertEqual(0, writer.summary()["errors"])
        self.once()
        self.assertEqual(harness.newest_commit(self.commit_log), self.judge(self.restore())["n"])

    @ours_only
    def test_RetentionToItsEnd(self):
        config = self.configuration({self.db: [url_of(self.replica)]}, top="snapshot: {retention: 1s}\nl0-retention-check-interval: 1h\n")
        newest = 0
        for _ in range(4):
            for _ in range(3):
                newest = self.write_now(count=2)["newest"]
                self.once(config=config)
            self.once("-force-snapshot", config=config)
            time.sleep(1.4)  # the age that is under test
        self.assertEqual(5, len(names(self.replica, 9)), "the first copy is one")
        self.once("-enforce-retention", config=config)
        snapshots = names(self.replica, 9)
        self.assertEqual(2, len(snapshots), "the anchor and the newest")
        anchor = snapshots[0].split("-")[1]
        self.assertGreater(min(name.split("-")[1] for name in names(self.replica, 0)), anchor)
        self.assertEqual(newest, self.judge(self.restore())["n"])
        kept = harness.object_files(self.replica)
        self.once("-enforce-retention", config=config)
        self.assertEqual(kept, harness.object_files(self.replica))

    @ours_only
    def test_ARateThatIsConfiguredIsKept(self):
        """Two replicas share it: at least a listing, a snapshot and an anchor each, of which the first second's worth goes at once."""
        self.write_now(count=10)
        urls = [url_of(self.replica), url_of(self.dir / "second")]
        for unit in ("requests-per-second: 1", "bytes-per-second: 64KiB"):
            with self.subTest(unit):
                harness.shutil.rmtree(self.dir / "second", ignore_errors=True)
                if unit.startswith("bytes"):
                    self.write_now(count=1, rows=200, row_bytes=1000)
                process = self.once(config=self.configuration({self.db: urls}, top=f"rate-limit: {{{unit}}}\n"))
                print(f"{unit}: ended after {process.took:.2f} s")
                self.assertGreater(process.took, 2)

    @ours_only
    def test_ASignalEndsIt(self):
        self.write_now(count=10)
        config = self.configuration({self.db: [DEAD]}, top="shutdown-sync-timeout: 60s\n")
        process = self.start(harness.Replicator([harness.PROGRAM, "replicate", "-once", "-config", config], self._log("replicate"), KEYS))
        harness.wait_for(lambda: "syncing database" in process.output(), "the pass to begin")
        process.signal(harness.signal.SIGTERM)
        harness.wait_for(lambda: "litestream shutting down" in process.output(), "the signal to be seen")
        process.signal(harness.signal.SIGTERM)
        self.assertEqual(1, process.wait())
        self.assertIn("Error: interrupted\n", process.output())
