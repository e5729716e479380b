"""Databases around the page that SQLite never writes: page 16385 of 64 KiB pages, right behind 1 GiB. Needs about 5 GB of disk."""

import harness
import official
from harness import PROGRAM

LOCK_PAGE = 0x40000000 // 65536 + 1


class LockPageTestCase(harness.TestCase):
    def test_GrowingAcrossTheLockPage(self):
        theirs = official.get("0.5.17")
        # Just short of the lock page, then across it page by page while it is followed.
        self.write_now(page_size=65536, rows=500, row_bytes=60000, random_percent=1, until_bytes=(LOCK_PAGE - 700) * 65536)
        newest = harness.newest_commit(self.commit_log)
        replicator = self.replicate()
        self.wait_restorable(newest, deadline=300)
        sizes = []
        while not sizes or sizes[-1] <= LOCK_PAGE + 3:
            step = 1 if not sizes or sizes[-1] > LOCK_PAGE - 40 else 8
            newest = self.write_now(page_size=65536, count=step, rows=2 if step == 1 else 20, row_bytes=60000, random_percent=1)["newest"]
            sizes.append(harness.rows_of(self.db, "PRAGMA page_count")[0][0] if not self.db.with_name("app.db-wal").exists()
                         else self.shell()("PRAGMA page_count")[0][0])
        self.assertTrue(any(size < LOCK_PAGE for size in sizes))
        for name, program in (("ours.db", PROGRAM), ("theirs.db", theirs)):
            restored = self.wait_restorable(newest, program=program, name=name, deadline=300)
            self.assertEqual(sizes[-1] * 65536, restored.stat().st_size)
        self.assertEqual(0, replicator.stop())
        if not harness.is_official():
            self.assert_same_bytes(self.db, self.restore())
