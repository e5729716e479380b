"""SIGTERM in every state, with a store that is away: the end comes within the patience that was configured, with the right exit code, and nothing is lost."""

import os
import sqlite3
import time

import harness
from harness import ours_only, wait_for
from s3case import LONG, S3TestCase

PATIENCE = 2.0  # seconds
MARGIN = 1.0


@ours_only
class ShutdownTestCase(S3TestCase):
    def setUp(self):
        super().setUp()
        self.proxy = self.fault_proxy(throttle=64 * 1024)
        self.far = self.url(self.proxy.port)

    def follow(self, top="", flags=(), patience=PATIENCE, replica="", url=None):
        config = self.dir / "litestream.yml"
        config.write_text(f"shutdown-sync-timeout: {patience}s\n{top}dbs:\n- path: {self.db}\n  replica:\n    url: {url or self.far}\n{replica}")
        return self.start_program("replicate", *flags, "-config", config)

    def ended(self, replicator, expect=1, bound=PATIENCE + MARGIN):
        """Sends SIGTERM; the time until the end is printed, and asserted where the machine has nothing else to do."""
        self.assertTrue(replicator.running(), replicator.output()[-2000:])
        began = time.monotonic()
        replicator.signal(harness.signal.SIGTERM)
        self.assertEqual(expect, replicator.wait(120), replicator.output()[-2000:])
        seconds = time.monotonic() - began
        print(f"{self.id().rpartition('.')[2]}: ended after {seconds:.2f} s (promised: {bound:.1f} s)", file=harness.sys.stderr)
        if LONG:
            self.assertLessEqual(seconds, bound)
        if expect:
            self.assertIn("failed to close database", replicator.output())
            self.assertIn("Error: the final sync is incomplete", replicator.output())

    def another(self, what):
        """Waits until one more request has met a fault."""
        before = len(self.proxy.fired())
        return lambda: wait_for(lambda: len(self.proxy.fired()) > before, what)

    def nothing_is_lost(self, newest):
        self.proxy.heal()
        replicator = self.follow(patience=60)
        self.wait_restorable(newest, source=self.url(), deadline=harness.HEALING)
        self.stop_in_order(replicator)
        self.assertEqual(newest, self.judge(self.restore(self.url()))["n"])

    def big_database(self, megabytes):
        connection = sqlite3.connect(self.db)
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE noise(data)")
        for _ in range(megabytes):
            connection.execute("INSERT INTO noise VALUES(?)", [os.urandom(1_000_000)])
        connection.commit()
        connection.close()

    def test_T76_WhileTheReplicaIsLookedAtForTheFirstTime(self):
        for fault in ("blackhole", "slow-down", "reset-before"):
            with self.subTest(fault):
                newest = self.write_now(count=3)["newest"]
                self.proxy.fail(fault, count=None)
                met = self.another("the first request")
                replicator = self.follow()
                met()
                self.ended(replicator)
                self.nothing_is_lost(newest)

    def test_T76_WhileTheFirstCopyIsOnItsWay(self):
        self.big_database(5)
        self.proxy.fail("throttle", "part", count=None)
        self.proxy.fail("throttle", "put", count=None)
        replicator = self.follow()
        wait_for(self.proxy.fired, "the upload")
        self.ended(replicator)
        self.proxy.heal()
        replicator = self.follow(patience=60)
        wait_for(lambda: self.try_restore(self.url())[0], "the first copy", deadline=harness.HEALING)
        self.stop_in_order(replicator)
        self.assert_same_database(self.db, self.restore(self.url()))

    def test_T76_WithUnsentCommits(self):
        for fault in ("blackhole", "slow-down-after-1", "internal-error"):
            with self.subTest(fault):
                newest = self.write_now(count=3)["newest"]
                replicator = self.follow()
                self.wait_restorable(newest, source=self.url(), deadline=harness.HEALING)
                self.proxy.fail(fault, count=None)
                met = self.another("the upload")
                newest = self.write_now(count=5)["newest"]
                met()
                self.ended(replicator)
                self.assertRegex(replicator.output(), r"s3 is following at TXID [0-9a-f]{16} of [0-9a-f]{16}")
                self.nothing_is_lost(newest)

    def test_T76_WhenNobodyListens(self):
        newest = self.write_now(count=3)["newest"]
        replicator = self.follow()
        self.wait_restorable(newest, source=self.url())
        self.proxy.refuse()
        newest = self.write_now(count=5)["newest"]
        wait_for(lambda: "monitor error" in replicator.output(), "the error")
        began = len(replicator.output())
        self.ended(replicator)
        self.assertGreater(len(replicator.output()), began)
        self.proxy.accept()
        self.far = self.url(self.proxy.port)
        self.nothing_is_lost(newest)

    def test_T76_WithoutPatienceThereIsOneAttempt(self):
        newest = self.write_now(count=3)["newest"]
        replicator = self.follow(patience=0)
        self.wait_restorable(newest, source=self.url())
        self.proxy.fail("internal-error", count=None)
        newest = self.write_now(count=5)["newest"]
        wait_for(self.proxy.fired, "the upload")
        self.ended(replicator, bound=15 + MARGIN)
        self.nothing_is_lost(newest)

    def test_T76_ASecondSignalEndsTheWait(self):
        newest = self.write_now(count=3)["newest"]
        replicator = self.follow(patience=600)
        self.wait_restorable(newest, source=self.url())
        self.proxy.fail("blackhole", count=None)
        newest = self.write_now(count=5)["newest"]
        wait_for(self.proxy.fired, "the upload")
        replicator.signal(harness.signal.SIGTERM)
        wait_for(lambda: "signal received" in replicator.output(), "the first signal")
        self.ended(replicator, bound=MARGIN)
        self.assertIn("shutdown sync interrupted by signal", replicator.output())
        self.nothing_is_lost(newest)

    def test_T76_WhileAMissingDatabaseIsRestored(self):
        self.big_database(3)
        replicator = self.follow(patience=60)
        wait_for(lambda: self.try_restore(self.url())[0], "the first copy", deadline=harness.HEALING)
        self.stop_in_order(replicator)
        for path in self.dir.glob("app.db*"):
            path.unlink()
        self.proxy.fail("throttle", "get", count=None)
        replicator = self.follow(flags=["-restore-if-db-not-exists"])
        wait_for(self.proxy.fired, "the download")
        self.ended(replicator, expect=0, bound=MARGIN)
        self.assertEqual([], list(self.dir.glob("app.db*")))

    def test_AHurryTriesAgainEveryHalfSecond(self):
        newest = self.write_now(count=3)["newest"]
        replicator = self.follow(patience=8)
        self.wait_restorable(newest, source=self.url())
        self.proxy.fail("internal-error", count=None)
        newest = self.write_now(count=5)["newest"]
        wait_for(lambda: "monitor error" in replicator.output(), "the attempts to be used up", deadline=harness.HEALING)
        replicator.signal(harness.signal.SIGTERM)
        wait_for(lambda: "signal received" in replicator.output(), "the signal")
        before = len(self.proxy.fired())
        wait_for(lambda: len(self.proxy.fired()) >= before + 4, "four attempts; ten seconds apart they would not fit")
        self.proxy.heal()
        self.assertEqual(0, replicator.wait(), replicator.output()[-2000:])
        self.assertEqual(newest, self.judge(self.restore(self.url()))["n"])

    def test_OnePassThatIsDeniedEndsAtOnce(self):
        self.write_now(count=3)
        began = time.monotonic()
        done = self.run_program("replicate", "-once", self.db, self.url(), env={"AWS_SECRET_ACCESS_KEY": "wrong"})
        print(f"ended after {time.monotonic() - began:.2f} s")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, f"Error: sync replica for {self.db}: .*SignatureDoesNotMatch")
