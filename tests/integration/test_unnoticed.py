"""The application cannot tell that a replicator is there."""

import pathlib
import sqlite3
import time

import harness
from harness import ours_only, wait_for


def io_of(pid):
    """Bytes that a process has given to write calls."""
    lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])


class UnnoticedTestCase(harness.TestCase):
    def alone_and_followed(self, **options):
        """The same writer twice: without a replicator and with one. Both files after their last checkpoint."""
        alone = self.dir / "alone" / "app.db"
        alone.parent.mkdir()
        self.write_now(db=alone, log=self.dir / "alone.bin", **options)
        replicator = self.replicate()
        wait_for(lambda: "replicating to" in replicator.output(), "the start")
        summary = self.write_now(**options)
        self.wait_restorable(summary["newest"])
        self.assertEqual(0, replicator.stop())
        for db in (alone, self.db):
            harness.checkpoint(db, "TRUNCATE")
        return alone, self.db

    @ours_only
    def test_TheDatabaseIsTheSameByteForByte(self):
        self.assertIsNone(harness.first_difference(*self.alone_and_followed(count=400, rows=8)))

    @ours_only
    def test_TheDatabaseIsTheSameByteForByteAfterChaos(self):
        self.assertIsNone(harness.first_difference(*self.alone_and_followed(count=300, rows=2, chaos=True, busy_timeout=60000)))

    @ours_only
    def test_TheSchemaStaysTheApplicationsOwn(self):
        alone, followed = self.alone_and_followed(count=10)
        schema = "SELECT type, name, rootpage, sql FROM sqlite_master ORDER BY rowid"
        self.assertEqual(harness.rows_of(alone, schema), harness.rows_of(followed, schema))
        names = {path.name for path in self.dir.glob("app.db*")}
        self.assertEqual(set(), names - {"app.db", "app.db-wal", "app.db-shm"})

    @ours_only
    def test_T30_AnIdleDatabaseCostsNothing(self):
        replicator = self.replicate()
        self.write_now(count=20, rows=5)
        connection = self.shell()
        connection("SELECT 1 FROM rows")
        self.wait_restorable(20)

        def snapshot():
            wal = pathlib.Path(f"{self.db}-wal")
            return harness.object_files(self.dir / "replica"), self.db.read_bytes(), wal.read_bytes() if wal.exists() else b"", io_of(replicator.pid)

        # Passive help may copy the WAL into the database once more: take the first state that holds for a second.
        state = [snapshot(), time.monotonic()]

        def settled():
            now = snapshot()
            if now != state[0]:
                state[:] = [now, time.monotonic()]
            return time.monotonic() - state[1] > 1

        wait_for(settled, "a quiet second", pause=0.1)
        before, began = snapshot(), time.monotonic()
        wait_for(lambda: time.monotonic() - began > 3, "three quiet seconds", pause=0.5)
        after = snapshot()
        for what, one, other in zip(("replica", "database", "WAL", "bytes written by the replicator"), before, after):
            self.assertTrue(one == other, f"{what} changed while nothing was committed")

    @ours_only
    def test_TheWriterCanTruncateItsWal(self):
        """What a permanent read transaction makes impossible."""
        self.replicate()
        connection = self.shell()
        connection("PRAGMA journal_mode = WAL", "PRAGMA busy_timeout = 3000", "CREATE TABLE t(x)")
        for x in range(20):
            connection(f"INSERT INTO t VALUES(randomblob(100000))")
            self.assertEqual(0, connection("PRAGMA wal_checkpoint(TRUNCATE)")[0][0], f"checkpoint {x} was blocked")
        self.wait_restores_to(harness.dump_of(self.db))

    @ours_only
    def test_TheWalStaysSmallUnderLoad(self):
        """A load that any machine can follow: how large the log of a writer without pauses grows depends on the cores that are left for us (bench)."""
        replicator = self.replicate()
        summary = self.write_now(count=1000, rate=250, rows=100, row_bytes=1000)
        self.assertGreater(summary["row_bytes"], 90 << 20)
        self.assertLess(summary["largest_wal"], 64 << 20)
        self.wait_restorable(summary["newest"])
        self.assertTrue(replicator.running())

    @ours_only
    def test_TheGuardsAreHeldAllTheTime(self):
        """T9, T10: whatever the replicator does, its lock on the database file is still in the kernel's table."""
        replicator = self.replicate()
        self.write_now(count=5)
        self.wait_restorable(5)
        self.assertTrue(replicator.attached_to(self.db))
        for mode in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
            summary = self.write_now(count=20, rows=10)
            harness.checkpoint(self.db, mode)
            self.wait_restorable(summary["newest"])
            self.assertTrue(replicator.attached_to(self.db), f"after {mode}")
