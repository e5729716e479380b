"""Disks that are full, files that cannot be opened: a clear line, nothing lost, and everything heals by itself."""

import os

import harness
from harness import ours_only, wait_for

TEXTS = {"ENOSPC": "o space left on device", "EIO": "nput/output error", "EMFILE": "oo many open files", "EACCES": "ermission denied"}


class ErrorTestCase(harness.TestCase):
    def survive(self, error, paths, calls):
        trigger = self.dir / "trigger"
        self.write_now(count=20, rows=3)
        replicator = self.replicate(env=harness.fault(trigger, paths, calls, error))
        self.wait_restorable(20)
        trigger.touch()
        summary = self.write_now(count=80, rows=30, row_bytes=500)
        wait_for(lambda: any(TEXTS[error] in line for line in replicator.complaints()), f"a line about {error}")
        self.judge(self.restore(), log=self.commit_log)
        self.assertTrue(replicator.running(), replicator.output())
        self.assertEqual(0, summary["busy"], "the writer met a lock")
        trigger.unlink()
        restored = self.wait_restorable(summary["newest"], deadline=harness.HEALING)
        self.assert_same_bytes(self.db, restored)
        self.assertEqual(0, replicator.stop())
        # What failed must not be in the way of the next run either.
        self.replicate()
        self.write_now(count=5)
        self.wait_restorable(summary["newest"] + 5)

    def replica_fails(self, error, *calls):
        self.survive(error, [f"{self.replica}/*"], calls)

    def metadata_fails(self, error, *calls):
        self.survive(error, [f"{self.dir}/.app.db-litestream/*"], calls)

    @ours_only
    def test_T49_ReplicaIsFull(self):
        self.replica_fails("ENOSPC", "write")

    @ours_only
    def test_T61_ReplicaCannotSync(self):
        self.replica_fails("EIO", "fsync")

    @ours_only
    def test_T61_ReplicaCannotWrite(self):
        self.replica_fails("EIO", "write")

    @ours_only
    def test_T61_ReplicaCannotRename(self):
        self.replica_fails("EIO", "rename", "link")

    @ours_only
    def test_T61_ReplicaRunsOutOfDescriptors(self):
        self.replica_fails("EMFILE", "open")

    @ours_only
    def test_T61_ReplicaIsForbidden(self):
        self.replica_fails("EACCES", "open", "mkdir", "rename", "link")

    @ours_only
    def test_T49_SpoolIsFull(self):
        self.metadata_fails("ENOSPC", "write")

    @ours_only
    def test_T61_SpoolCannotWrite(self):
        self.metadata_fails("EIO", "write")

    @ours_only
    def test_T61_SpoolRunsOutOfDescriptors(self):
        self.metadata_fails("EMFILE", "open")

    @ours_only
    def test_T61_SpoolIsForbidden(self):
        self.metadata_fails("EACCES", "open", "mkdir", "rename", "link")

    @ours_only
    def test_T49_EverythingIsFull(self):
        self.survive("ENOSPC", [f"{self.replica}/*", f"{self.dir}/.app.db-litestream/*"], ["write", "open", "mkdir"])

    @ours_only
    def test_RestoreOntoAFullDiskLeavesNothing(self):
        self.write_now(count=50, rows=10)
        replicator = self.replicate()
        self.wait_restorable(50)
        self.assertEqual(0, replicator.stop())
        trigger = self.dir / "trigger"
        trigger.touch()
        target = self.dir / "target"
        target.mkdir()
        restore = self.start(harness.Process([harness.PROGRAM, "restore", "-o", target / "app.db", harness.url_of(self.replica)],
                                             self.dir / "restore.log", harness.fault(trigger, [f"{target}/*"], ["write"], "ENOSPC")))
        self.assertEqual(1, restore.wait())
        self.assertIn(TEXTS["ENOSPC"], restore.output())
        self.assertFalse((target / "app.db").exists())


class SpoolTestCase(harness.TestCase):
    def fill_spool(self):
        """Of a process that was killed. Returns the names of its files, and nothing else has what they hold."""
        trigger = self.dir / "trigger"
        self.write_now(count=5)
        replicator = self.replicate(env=harness.fault(trigger, [f"{self.replica}/*"], ["write"], "ENOSPC"))
        self.wait_restorable(5)
        trigger.touch()
        spool = self.dir / ".app.db-litestream" / "spool"
        for _ in range(5):
            before = len(list(spool.glob("*.ltx")))
            self.write_now(count=1, rows=5)
            wait_for(lambda: len(list(spool.glob("*.ltx"))) > before, "the transaction in the spool")
        replicator.kill()
        trigger.unlink()
        harness.checkpoint(self.db, "TRUNCATE")  # the WAL cannot help any more
        unsent = {path.name for path in spool.glob("*.ltx")}
        self.assertGreater(len(unsent), 3)
        return unsent

    def assert_sent(self, unsent):
        self.assert_same_database(self.db, self.wait_restorable(10))
        sent = {path.name[17:] for path in (self.replica / "ltx" / "0").glob("*.ltx")}
        self.assertEqual(set(), unsent - sent, "spool files were not sent")

    @ours_only
    def test_WhatAnEarlierProcessCouldNotSendIsSent(self):
        unsent = self.fill_spool()
        self.replicate()
        self.assert_sent(unsent)

    @ours_only
    def test_T61_WhatCannotBeReadIsReadAgain(self):
        """Only damage is a reason to give a spool file up."""
        unsent = self.fill_spool()
        trigger = self.dir / "trigger"
        trigger.touch()
        spool = self.dir / ".app.db-litestream" / "spool"
        replicator = self.replicate(env=harness.fault(trigger, [f"{spool}/*"], ["open"], "EMFILE"))
        wait_for(lambda: any(TEXTS["EMFILE"] in line for line in replicator.complaints()), "a line about it")
        trigger.unlink()
        self.assert_sent(unsent)

    @ours_only
    def test_T61_WhatStaysUnreadableHoldsUpNobodyForLong(self):
        unsent = self.fill_spool()
        spool = self.dir / ".app.db-litestream" / "spool"
        trigger = self.dir / "trigger"
        trigger.touch()
        replicator = self.replicate(env=harness.fault(trigger, [str(spool / max(unsent))], ["open"], "EIO"))
        self.assert_same_database(self.db, self.wait_restorable(10))
        self.write_now(count=1)
        self.assert_same_database(self.db, self.wait_restorable(11))
        self.assertEqual(1, len([line for line in replicator.complaints() if "spool not read" in line]))
        self.assertTrue((spool / max(unsent)).exists(), "a file was removed that nobody has read")


class LostIndexTestCase(harness.TestCase):
    """A wal-index is mapped memory: whoever reads one whose file was truncated gets SIGBUS."""

    @ours_only
    def test_ATruncatedWalIndexEndsNeitherTheProgramNorTheFollowing(self):
        other, other_replica = self.dir / "other.db", self.dir / "other-replica"
        config = self.dir / "litestream.ini"
        config.write_text(harness.ini_of({self.db: [harness.url_of(self.replica)], other: [harness.url_of(other_replica)]}))
        for db in (self.db, other):
            self.write_now(db=db, count=10, rows=3, log=db.with_suffix(".bin"))
        replicator = self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", config], self.dir / "replicate.log"))
        for target in (self.replica, other_replica):
            self.wait_restorable(10, target)
        def losses():
            return replicator.output().count("database went away")

        for turn in range(1, 4):
            before = losses()
            os.truncate(self.dir / "app.db-shm", 0)
            if turn == 3:  # before the application makes it anew
                wait_for(lambda: losses() > before, "the loss to be noticed")
            for db in (self.db, other):
                self.write_now(db=db, count=10, rows=3, log=db.with_suffix(".bin"))
            self.assert_same_database(self.db, self.wait_restorable(10 + 10 * turn))
            self.assert_same_database(other, self.wait_restorable(10 + 10 * turn, other_replica))
        self.assertEqual(0, replicator.stop())


class InjectorTestCase(harness.TestCase):
    """The tool itself: a fault that never fires would make every test above pass."""

    def test_FailsOnlyWhileTheTriggerIsThere(self):
        trigger = self.dir / "trigger"
        for error, calls in (("ENOSPC", ["write"]), ("EIO", ["fsync"]), ("EMFILE", ["open"]), ("EACCES", ["open"])):
            app = self.shell(env=harness.fault(trigger, ["*-journal"], calls, error))
            app("PRAGMA journal_mode = DELETE", "CREATE TABLE IF NOT EXISTS t(x)")
            trigger.touch()
            self.assertIn("error", app.attempt("INSERT INTO t VALUES(1)"), f"{calls} {error}")
            trigger.unlink()
            app("INSERT INTO t VALUES(2)")
            app.close()
