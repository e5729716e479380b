"""The traps that cost other replicators data, seen from outside. The numbers are those of docs/traps.md."""

import contextlib
import os
import sqlite3
import time

import harness
from harness import checkpoint, dump_of, ours_only, wait_for


class TrapTestCase(harness.TestCase):
    """Statements come from a process that keeps the database open, so that the WAL outlives the replicator."""

    def setUp(self):
        super().setUp()
        self.app = self.shell()
        self.app("PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE t(id INTEGER PRIMARY KEY, x, filler)")
        self.inserted = 0

    def insert(self, count, size=200):
        for _ in range(count):
            self.inserted += 1
            self.app(f"INSERT INTO t VALUES({self.inserted}, {self.inserted}, randomblob({size}))")

    def follow_until_current(self):
        replicator = self.replicate()
        self.wait_restores_to(dump_of(self.db))
        return replicator

    def assert_replica_is_right(self):
        official = os.environ.get("LITESTREAM_UNDER_TEST") and harness.is_official()
        expected = dump_of(self.db)
        restored = self.wait_restores_to(expected) if official else self.wait_restores_bytes(self.db)
        self.assertEqual([("ok",)], harness.rows_of(restored, "PRAGMA integrity_check"))
        self.assertEqual(expected, dump_of(restored, immutable=True))


class DowntimeTestCase(TrapTestCase):
    """T1: what happens while the replicator is away is in the replica afterwards."""

    def test_T01_AShorterGenerationInFrontOfOldFrames(self):
        self.insert(40)
        replicator = self.follow_until_current()
        replicator.stop()
        # The last frame that was shipped stays in the file, behind the three new ones.
        self.insert(20)
        self.app("PRAGMA wal_checkpoint(PASSIVE)")
        self.insert(3)
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()

    def test_T01_TwoResets(self):
        self.insert(40)
        self.follow_until_current().kill()
        for _ in range(2):
            self.insert(30)
            self.app("PRAGMA wal_checkpoint(PASSIVE)")
        self.insert(45)
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()

    def test_T01_ATruncatedWal(self):
        self.insert(40)
        self.follow_until_current().kill()
        self.insert(20)
        self.app("PRAGMA wal_checkpoint(TRUNCATE)")
        self.insert(60)
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()

    def test_T01_AWalThatWasDeletedAndMadeAnew(self):
        self.insert(40)
        self.follow_until_current().stop()
        self.insert(20)
        self.app.close()  # the last one out removes the WAL
        self.app = self.shell()
        self.app("PRAGMA wal_autocheckpoint = 0")
        self.insert(60)
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()

    def test_T01_TheSameGenerationGoesOn(self):
        self.insert(40)
        self.follow_until_current().kill()
        self.insert(20)
        replicator = self.replicate()
        self.insert(1)
        self.assert_replica_is_right()
        if not (os.environ.get("LITESTREAM_UNDER_TEST") and harness.is_official()):
            self.assertEqual([], replicator.reconciles(), "continuity could have been proved")

    @ours_only
    def test_T25_RollbackJournalModeInBetween(self):
        self.insert(40)
        self.follow_until_current().stop()
        self.app("PRAGMA journal_mode = DELETE")
        self.insert(20)
        self.app("DELETE FROM t WHERE id % 7 = 0")
        replicator = self.replicate()
        # Whoever is told to replicate may switch the database to WAL; the application sees the same database.
        self.assert_replica_is_right()
        self.insert(5)
        self.assert_replica_is_right()
        self.assertTrue(replicator.running())

    def test_T25_RollbackJournalModeAndBack(self):
        self.insert(40)
        self.follow_until_current().stop()
        self.app("PRAGMA journal_mode = DELETE")
        self.insert(20)
        self.app("PRAGMA journal_mode = WAL")
        self.insert(5)
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()

    def test_T11_TheSameGenerationWithOtherContent(self):
        """After a power cut the tail of the WAL is gone and other transactions take its frames, under the same salts."""
        self.insert(20)
        wal = self.dir / "app.db-wal"
        early = wal.stat().st_size
        self.insert(20)
        content = wal.read_bytes()
        self.follow_until_current().kill()
        self.app.kill()
        (self.dir / "app.db-shm").unlink()
        wal.write_bytes(content[:early])
        self.app = self.shell()
        self.app("PRAGMA wal_autocheckpoint = 0")
        self.inserted = 20
        self.assertEqual([[20]], self.app("SELECT count(*) FROM t"))
        self.insert(20)  # as many frames as were lost
        self.assertEqual(content[16:24], wal.read_bytes()[16:24], "the salts must be those of before")
        self.assertEqual(len(content), wal.stat().st_size)
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()


class RunawayTestCase(TrapTestCase):
    """T46: what a cause that comes back costs."""

    def replace_database(self, rows):
        """Another database comes to lie at the path, so continuity is lost; and nothing tells any more which pages the replica has."""
        new = self.dir / "new.db"
        with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, x, filler)")
            for i in range(rows):
                connection.execute(f"INSERT INTO t VALUES({i}, {i}, randomblob(2000))")
        (self.dir / ".app.db-litestream" / "pagesums").unlink()
        for suffix in ("-wal", "-shm"):
            self.db.with_name(f"app.db{suffix}").unlink(missing_ok=True)
        os.rename(new, self.db)

    @ours_only
    def test_T46_ACauseThatComesBackDoesNotShipTheWholeDatabaseAgain(self):
        self.insert(20, size=2000)
        replicator = self.follow_until_current()
        self.app.close()
        self.replace_database(rows=30)
        self.wait_restores_to(dump_of(self.db))
        self.assertEqual([True], [loss["pages"] == loss["of"] for loss in replicator.reconciles()], "the first one is of everything")
        self.replace_database(rows=40)
        wait_for(lambda: [line for line in replicator.complaints() if "postponed" in line], "the second one to be put off")
        self.shell()("INSERT INTO t VALUES(1000, 1000, NULL)")
        self.assertEqual(1, len(replicator.reconciles()))
        # Whoever ends the program wants everything to be there.
        self.assertEqual(0, replicator.stop())
        self.assertEqual(2, len(replicator.reconciles()))
        self.assertEqual(dump_of(self.db), dump_of(self.restore(), immutable=True))


class CommitTestCase(TrapTestCase):
    @ours_only
    def test_T02_ACommitThatFailedIsNotShipped(self):
        self.app.close()
        trigger = self.dir / "trigger"
        self.app = self.shell(env=harness.fault(trigger, ["*-wal"], ["fsync"], "EIO", once=True))
        self.app("PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 0")
        self.insert(3)
        self.follow_until_current()
        trigger.touch()
        self.assertIn("error", self.app.attempt("INSERT INTO t VALUES(666, 'ghost', NULL)"), "the commit must fail")
        self.assertFalse(trigger.exists())
        looked = time.monotonic()

        def no_ghost():
            restored = self.restore()
            self.assert_no_ghost(restored)
            return time.monotonic() - looked > 3

        wait_for(no_ghost, "three seconds without a ghost", pause=0.2)
        self.insert(1)
        restored = self.wait_restores_to(dump_of(self.db))
        self.assert_no_ghost(restored)

    def assert_no_ghost(self, restored):
        if harness.rows_of(restored, "SELECT * FROM t WHERE id = 666"):
            raise RuntimeError("the replica holds a transaction that the application was told had failed")

    def test_T03_PagesThatATransactionWritesTwice(self):
        replicator = self.replicate()
        self.app("PRAGMA cache_size = 10", "PRAGMA cache_spill = 5")
        for turn in range(12):
            self.app("BEGIN")
            self.app("WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 500) "
                     f"INSERT INTO t(x, filler) SELECT i, randomblob(400) FROM s")
            for _ in range(4):
                self.app("UPDATE t SET x = x + 1", f"UPDATE t SET filler = randomblob(300) WHERE id % 4 = {turn % 4}")
            self.app("ROLLBACK" if turn % 3 == 2 else "COMMIT")
            if turn % 4 == 3:
                self.app("PRAGMA wal_checkpoint(RESTART)", "DELETE FROM t WHERE id % 2 = 0")
        self.assert_replica_is_right()
        self.assertTrue(replicator.running())

    def test_T05_ACommitRightBeforeTruncate(self):
        self.replicate()
        for _ in range(60):
            self.insert(1)
            self.app("PRAGMA wal_checkpoint(TRUNCATE)" if not (os.environ.get("LITESTREAM_UNDER_TEST") and harness.is_official()) else "SELECT 1")
        self.assert_replica_is_right()

    def test_T07_ATransactionThatStraddlesTheOldPosition(self):
        self.insert(40)
        replicator = self.follow_until_current()
        replicator.stop()
        self.app("PRAGMA wal_checkpoint(PASSIVE)")
        self.app("BEGIN")
        self.insert(400, size=2000)
        self.app("COMMIT")
        other = self.dir / "other"
        self.replicate(other)
        self.insert(1)
        self.wait_restores_to(dump_of(self.db), source=other)

    @ours_only
    def test_T08_ASmallCommitBehindLargeLeftovers(self):
        """The WAL neither grows nor moves when a small commit overwrites the front of an old generation."""
        self.insert(200, size=3000)
        self.follow_until_current()
        size = (self.dir / "app.db-wal").stat().st_size
        self.app("PRAGMA wal_checkpoint(RESTART)")
        for _ in range(5):
            self.insert(1)
            self.assertEqual(size, (self.dir / "app.db-wal").stat().st_size)
            self.wait_restores_to(dump_of(self.db), deadline=5)

    def test_T12_SaltsThatChangeWhileTheWalIsEmpty(self):
        self.insert(5)
        self.app("PRAGMA wal_checkpoint(TRUNCATE)")
        replicator = self.follow_until_current()
        self.app("PRAGMA wal_checkpoint(TRUNCATE)")
        with_other = self.shell()
        with_other("INSERT INTO t VALUES(1000, 'another process', NULL)")
        self.assert_replica_is_right()
        self.assertEqual([], replicator.reconciles())

    def test_T14_AnEmptyWalIsAnOrdinaryPosition(self):
        self.insert(5)
        self.app("PRAGMA wal_checkpoint(TRUNCATE)")
        self.follow_until_current().stop()
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()

    @ours_only
    def test_T15_TruncateEverySecondNeedsNoReconcile(self):
        replicator = self.replicate()
        writer = self.write(db=self.dir / "busy.db", seconds=0.1)
        writer.summary()
        for _ in range(30):
            self.insert(10)
            self.app("PRAGMA wal_checkpoint(TRUNCATE)")
        self.assert_replica_is_right()
        self.assertEqual([], replicator.reconciles())

    def test_T17_ShrinkingAndGrowing(self):
        self.app.close()
        self.db.unlink()
        self.app = self.shell()
        self.app("PRAGMA auto_vacuum = 2", "PRAGMA journal_mode = WAL", "CREATE TABLE t(id INTEGER PRIMARY KEY, x, filler)")
        self.replicate()
        for _ in range(10):
            self.app("BEGIN")
            self.insert(100, size=1500)
            self.app("COMMIT", "DELETE FROM t WHERE id % 10 != 0", "PRAGMA incremental_vacuum(20)", "VACUUM")
        self.assert_replica_is_right()

    def test_T18_GrowthAcrossCrashesIsComplete(self):
        """Every page of a growing database must be shipped, also when the growth happens while nobody looks."""
        for turn in range(4):
            replicator = self.replicate()
            self.app("BEGIN")
            self.insert(300, size=1000)
            self.app("COMMIT")
            if turn % 2 == 0:
                self.wait_restores_to(dump_of(self.db))
            replicator.kill()
            self.app("DELETE FROM t WHERE id % 3 = 0", "VACUUM")
            self.insert(100, size=1000)
        self.replicate()
        self.insert(1)
        self.assert_replica_is_right()


class ConcurrencyTestCase(harness.TestCase):
    def restores_while(self, running, **options):
        """Restores in a loop; each must be a committed prefix. Returns how many there were."""
        restores = 0
        while running():
            out, error = self.try_restore(**options)
            if out is not None:
                self.judge(out, log=self.commit_log, in_flight=2)
                restores += 1
        return restores

    def test_T04_CommitsDuringCheckpoints(self):
        """A checkpoint loop beside two writers: nothing may slip between a copy and a checkpoint."""
        self.write_now(count=5)
        replicator = self.replicate()
        self.wait_restorable(5)
        writer = self.write(seconds=6, processes=2, rows=5, autocheckpoint=20)
        modes = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"]
        end = time.monotonic() + 5
        checkpointer = self.shell()
        checkpointer("PRAGMA busy_timeout = 50")

        def running():
            checkpointer.attempt(f"PRAGMA wal_checkpoint({modes[int(time.monotonic() * 100) % 4]})")
            return time.monotonic() < end

        self.assertGreater(self.restores_while(running), 3)
        summary = writer.summary()
        self.wait_restorable(summary["newest"])
        if not (os.environ.get("LITESTREAM_UNDER_TEST") and harness.is_official()):
            self.assertEqual([], replicator.reconciles())

    def test_T06_TheFirstSnapshotIsWhatItsLabelSays(self):
        """A snapshot of a database that is written and checkpointed meanwhile."""
        self.write_now(rows=1000, row_bytes=1000, count=100)
        replicator = self.replicate()
        writer = self.write(seconds=4, rows=1000, row_bytes=1000, autocheckpoint=50)
        self.restores_while(writer.running)
        summary = writer.summary()
        self.wait_restorable(summary["newest"])
        for name in sorted(p.name for p in (self.replica / "ltx" / "0").glob("*.ltx"))[:6]:
            out, error = self.try_restore(flags=["-txid", name[17:33]])
            if out is not None:
                self.judge(out, log=self.commit_log)
        self.assertTrue(replicator.running())
