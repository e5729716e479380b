"""What a large database must not cost its application. LITESTREAM_SCALE_BYTES=5368709120 makes it as large as the real ones; the file is sparse."""

import os
import struct

import harness
from harness import dump_of, ours_only

SIZE = int(os.environ.get("LITESTREAM_SCALE_BYTES") or 256 << 20)
PAGE = 4096


class ScaleTestCase(harness.TestCase):
    def make_large(self):
        """A database of SIZE bytes, nearly all of them a hole: pages that no table uses. They are read and shipped like any others."""
        app = self.shell()
        app(f"PRAGMA page_size = {PAGE}", "PRAGMA journal_mode = WAL", "CREATE TABLE t(id INTEGER PRIMARY KEY, x)")
        app.close()
        with open(self.db, "r+b") as file:
            header = file.read(100)
            file.seek(28)
            file.write(struct.pack(">I", SIZE // PAGE))
            file.seek(92)
            file.write(header[24:28])  # the page count is valid for this change counter
            file.truncate(SIZE)

    def commits_until(self, condition):
        """Commits one row after the other, without any patience for locks, until the condition holds. Returns how many."""
        commits = 0
        while not condition():
            self.app("INSERT INTO t(x) VALUES(randomblob(100))")
            commits += 1
        return commits

    @ours_only
    def test_T34_WritersNeverMeetALockWhileTheWholeDatabaseIsRead(self):
        self.make_large()
        self.app = self.shell()
        self.app("PRAGMA busy_timeout = 0")
        self.assertEqual([[SIZE // PAGE]], self.app("PRAGMA page_count"))
        replicator = self.replicate()
        during_snapshot = self.commits_until(lambda: list((self.replica / "ltx" / "9").glob("*.ltx")))
        self.assertGreater(during_snapshot, 2, "the snapshot was too fast to tell")
        self.wait_restorable_rows()
        replicator.kill()
        (self.dir / ".app.db-litestream" / "pagesums").unlink()
        self.app("PRAGMA wal_checkpoint(TRUNCATE)")
        replicator = self.replicate()
        during_reconcile = self.commits_until(replicator.reconciles)
        self.assertGreater(during_reconcile, 2, "the reconcile was too fast to tell")
        loss, = replicator.reconciles()
        self.assertEqual(loss["of"], loss["pages"], "not every page was shipped")
        self.wait_restorable_rows()
        self.assertEqual([], replicator.complaints())

    def wait_restorable_rows(self):
        self.wait_restores_to(dump_of(self.db), deadline=harness.HEALING)
