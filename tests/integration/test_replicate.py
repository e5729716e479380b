"""The main job from outside: replicate, restore, stop, go on."""

import os
import shutil
import signal
import subprocess

import harness
from harness import DEADLINE, PROGRAM, dump_of, newest_commit, ours_only, url_of, wait_for


class ReplicateTestCase(harness.TestCase):
    def test_RestoresWhatAWriterCommitted(self):
        replicator = self.replicate()
        summary = self.write_now(seconds=2, rows=20, processes=2)
        restored = self.wait_restorable(summary["newest"])
        self.assert_same_database(self.db, restored)
        self.assertEqual(0, replicator.stop())
        self.judge(self.restore(), exactly=summary["newest"], log=self.commit_log)

    @ours_only
    def test_RestoresByteForByte(self):
        self.write_now(count=50, rows=10)
        self.replicate()
        summary = self.write_now(count=200, rows=10, chaos=True)
        self.assert_same_bytes(self.db, self.wait_restorable(summary["newest"]))

    def test_WaitsForADatabaseThatDoesNotExistYet(self):
        replicator = self.replicate()
        wait_for(lambda: "replicating to" in replicator.output(), "the start")
        self.write_now(count=5)
        self.wait_restorable(5)
        self.assertTrue(replicator.running())

    def test_GoesOnAfterARestart(self):
        for round_number in range(1, 4):
            replicator = self.replicate()
            self.write_now(count=20, rows=5)
            self.wait_restorable(20 * round_number)
            self.assertEqual(0, replicator.stop())
        self.judge(self.restore(), exactly=60)

    @ours_only
    def test_ARestartWithoutChangesShipsNothing(self):
        self.write_now(count=20)
        first = self.replicate()
        connection = self.shell()
        connection("PRAGMA wal_autocheckpoint = 0", "SELECT count(*) FROM rows")  # keeps the WAL alive
        self.wait_restorable(20)
        self.assertEqual(0, first.stop())
        before = harness.object_files(self.replica)
        second = self.replicate()
        wait_for(lambda: second.attached_to(self.db), "the second start")
        connection("INSERT INTO scratch VALUES(1)")  # a commit: once it has arrived, the second run has certainly looked
        wait_for(lambda: harness.object_files(self.replica) != before, "the commit after the restart")
        # A position at the beginning of a WAL proves nothing: then it compares, and finds no difference.
        self.assertEqual([], [attributes for attributes in second.reconciles() if attributes["pages"] != "0"])
        new = set(harness.object_files(self.replica)) - set(before)
        self.assertEqual(1, len(new), f"one commit, one object: {new}")

    def test_TERMShipsWhatWasCommitted(self):
        replicator = self.replicate()
        self.write_now(count=10)
        self.wait_restorable(10)
        summary = self.write_now(count=500, rows=20)
        self.assertEqual(0, replicator.stop())
        self.judge(self.restore(), exactly=summary["newest"])

    @ours_only
    def test_TERMAtOnceShipsWhatWasCommitted(self):
        self.write_now(count=10)
        replicator = self.replicate()
        wait_for(lambda: "replicating to" in replicator.output(), "the start")
        self.assertEqual(0, replicator.stop())
        self.judge(self.restore(), exactly=10)

    @ours_only
    def test_RestoresEveryTransactionByItsNumber(self):
        self.replicate()
        connection = self.shell()
        connection("PRAGMA journal_mode = WAL", "CREATE TABLE t(x)")
        for x in range(5):
            connection(f"INSERT INTO t VALUES({x})")
            # Each one in an object of its own: the next is not written before this one has arrived.
            self.wait_restores_to(dump_of(self.db))
        names = sorted(p.name for p in (self.replica / "ltx" / "0").glob("*.ltx"))
        counts = []
        for name in names:
            restored = self.restore(flags=["-txid", name[17:33]])
            self.assertEqual([("ok",)], harness.rows_of(restored, "PRAGMA integrity_check"))
            counts.append(len(harness.rows_of(restored, "SELECT name FROM sqlite_master WHERE name = 't'"))
                          and harness.rows_of(restored, "SELECT count(*) FROM t")[0][0])
        self.assertEqual(sorted(counts), counts)
        self.assertEqual(5, counts[-1])
        self.assertGreaterEqual(len(set(counts)), 5)


class SeveralReplicasTestCase(harness.TestCase):
    @ours_only
    def test_TwoDirectoriesGetTheSame(self):
        other = self.dir / "other"
        replicator = self.replicate(self.replica, other)
        summary = self.write_now(seconds=1, rows=10)
        for target in (self.replica, other):
            self.assert_same_database(self.db, self.wait_restorable(summary["newest"], target))
        self.assertEqual(0, replicator.stop())

    @ours_only
    def test_AReplicaThatFailsDoesNotHoldUpTheOther(self):
        broken = self.dir / "broken"
        trigger = self.dir / "trigger"
        trigger.touch()
        replicator = self.replicate(broken, self.replica, env=harness.fault(
            trigger, [f"{broken}", f"{broken}/*"], ["open", "mkdir", "rename", "link", "write"], "EACCES"))
        summary = self.write_now(seconds=1, rows=10)
        self.wait_restorable(summary["newest"])
        self.assertTrue(any("broken" in line or "ermission denied" in line for line in replicator.complaints()), replicator.output())
        trigger.unlink()
        self.assert_same_database(self.db, self.wait_restorable(summary["newest"], broken, harness.HEALING))

    @ours_only
    def test_AReplicaThatComesLaterGetsEverything(self):
        first = self.replicate()
        self.write_now(count=50, rows=5)
        self.wait_restorable(50)
        self.assertEqual(0, first.stop())
        other = self.dir / "other"
        self.replicate(self.replica, other)
        self.write_now(count=50, rows=5)
        for target in (self.replica, other):
            self.wait_restorable(100, target)


class ExecTestCase(harness.TestCase):
    @ours_only
    def test_T28_ExecOnAFreshDatabaseReplicatesIt(self):
        self.write_now(count=7)
        replicator = self.replicate(flags=["-exec", "true"])
        self.assertEqual(0, replicator.wait())
        self.judge(self.restore(), exactly=7)

    @ours_only
    def test_T28_ExecReplicatesWhatTheChildWrote(self):
        command = f"{harness.TOOLS / 'writer'} --db {self.db} --count 9 --seed {self.seed}"
        self.assertEqual(0, self.replicate(flags=["-exec", command]).wait())
        self.judge(self.restore(), exactly=9)

    def test_AChildThatFailsEndsTheProgramWithAnError(self):
        self.write_now(count=3)
        replicator = self.replicate(flags=["-exec", "false"])
        self.assertEqual(1, replicator.wait())
        self.assertIn("exit status 1", replicator.output())


class OneReplicatorTestCase(harness.TestCase):
    @ours_only
    def test_T27_ASecondReplicatorIsRefused(self):
        self.write_now(count=5)
        first = self.replicate()
        self.wait_restorable(5)
        second = self.replicate(self.dir / "other")
        self.assertNotEqual(0, second.wait(), "a second replicator must not run")
        self.assertIn("app.db", second.output())
        self.write_now(count=5)
        self.wait_restorable(10)
        self.assertTrue(first.running())

    @ours_only
    def test_OneInodeUnderTwoNamesIsRefused(self):
        self.write_now(count=5)
        twin = self.dir / "twin.db"
        os.link(self.db, twin)
        config = self.dir / "litestream.ini"
        config.write_text(harness.ini_of({self.db: [url_of(self.replica)], twin: [url_of(self.dir / "other")]}))
        program = self.start(harness.Replicator([PROGRAM, "replicate", "-config", config], self.dir / "twins.log"))
        self.assertNotEqual(0, program.wait())
        self.assertTrue("app.db" in program.output() and "twin.db" in program.output(), program.output())


class ReplacedDatabaseTestCase(harness.TestCase):
    def replacement(self, count=30):
        new = self.dir / "new" / "app.db"
        new.parent.mkdir()
        self.write_now(db=new, count=count, rows=3, seed=self.seed + 1, log=self.dir / "new.bin")
        return new

    @ours_only
    def test_T24_ADatabaseMovedOverTheOldOneIsFollowed(self):
        self.write_now(count=100, rows=3)
        self.replicate()
        self.wait_restorable(100)
        new = self.replacement()
        os.rename(new, self.db)
        self.write_now(count=5, rows=3, log=self.dir / "new.bin")
        self.wait_restores_to(dump_of(self.db))

    @ours_only
    def test_T24_ADatabaseMovedWithItsWalIsFollowed(self):
        self.write_now(count=100, rows=3)
        self.replicate()
        self.wait_restorable(100)
        new = self.replacement()
        connection = self.shell(new)
        connection("PRAGMA wal_autocheckpoint = 0", "CREATE TABLE later(x)", "INSERT INTO later VALUES(1)")
        connection.kill()  # leaves a WAL with content behind
        for suffix in ("-wal", ""):
            os.rename(f"{new}{suffix}", f"{self.db}{suffix}")
        self.db.with_name("app.db-shm").unlink(missing_ok=True)
        follower = self.shell()
        self.assertEqual([[1]], follower("SELECT x FROM later"))
        follower("INSERT INTO later VALUES(2)")
        self.wait_restores_to(dump_of(self.db))

    @ours_only
    def test_T24_ADatabaseThatIsDeletedAndMadeAnewIsFollowed(self):
        self.write_now(count=100, rows=3)
        self.replicate()
        self.wait_restorable(100)
        for suffix in ("", "-wal", "-shm"):
            self.db.with_name("app.db" + suffix).unlink(missing_ok=True)
        self.write_now(count=10, rows=2, seed=self.seed + 1, log=self.dir / "new.bin")
        self.wait_restores_to(dump_of(self.db))

    def restored_copy(self, keep_metadata):
        self.write_now(count=50, rows=3)
        shutil.copy(self.db, self.dir / "old.db")
        first = self.replicate()
        self.write_now(count=50, rows=3)
        self.wait_restorable(100)
        self.assertEqual(0, first.stop())
        for leftover in self.dir.glob("app.db-*"):
            leftover.unlink()
        if not keep_metadata:
            for metadata in self.dir.glob(".app.db-litestream*"):
                shutil.rmtree(metadata)
        os.replace(self.dir / "old.db", self.db)
        self.replicate()
        self.write_now(count=10, rows=3, log=self.dir / "second-life.bin")
        restored = self.wait_restores_to(dump_of(self.db))
        self.judge(restored, exactly=60)

    @ours_only
    def test_T26_AnOldCopyThatWasRestoredGoesOn(self):
        self.restored_copy(keep_metadata=True)

    @ours_only
    def test_T26_AnOldCopyOnANewMachineGoesOn(self):
        self.restored_copy(keep_metadata=False)

    @ours_only
    def test_T26_ForeignMetadataIsNoProof(self):
        """The metadata of one database beside another one."""
        self.write_now(count=40, rows=3)
        first = self.replicate()
        self.wait_restorable(40)
        self.assertEqual(0, first.stop())
        new = self.replacement(count=40)
        for leftover in self.dir.glob("app.db*"):
            leftover.unlink()
        os.rename(new, self.db)
        self.replicate()
        self.write_now(count=5, rows=3, log=self.dir / "new.bin")
        self.wait_restores_to(dump_of(self.db))
