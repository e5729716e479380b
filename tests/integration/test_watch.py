"""Directories with `watch`: databases that come are followed, those that go are let go, whatever the order and the crowd."""

import os
import pathlib
import random
import signal
import sqlite3
import time

import harness
from harness import wait_for


def watches(pid, path):
    """Whether a process has an inotify watch on a file."""
    inode = f" ino:{path.stat().st_ino:x} "
    return any(inode in info.read_text() for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir())


class WatchTestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.tenants = self.dir / "tenants"
        self.tenants.mkdir()

    def follow(self, recursive=True, pattern="*.db"):
        config = self.dir / "litestream.yml"
        config.write_text(f"dbs:\n- dir: {self.tenants}\n  pattern: '{pattern}'\n  recursive: {str(recursive).lower()}\n  watch: true\n"
                          f"  meta-dir: {self.dir / 'meta'}\n  replica:\n    path: {self.replica}\n")
        daemon = self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", config], self._log("replicate")))
        wait_for(lambda: "version=" in daemon.output(), "the start")
        return daemon

    def make(self, name, rows=5):
        path = self.tenants / name
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS t(x)")
        connection.executemany("INSERT INTO t VALUES(?)", [(name,)] * rows)
        connection.commit()
        connection.close()
        return path

    def wait_replicated(self, name, rows=5):
        def equal():
            out, error = self.try_restore(self.replica / name)
            self.assertIsNotNone(out, error)
            if not harness.rows_of(out, "SELECT 1 FROM sqlite_master"):
                return False  # a prefix, too: from before the table
            return harness.rows_of(out, "SELECT x, count(*) FROM t GROUP BY 1") == [(name, rows)]
        wait_for(equal, f"{name} at its replica", pause=0.1)

    def count(self, daemon, message):
        return daemon.output().count(f'msg="{message}"')

    def test_T79_WhatAppearsIsFollowed(self):
        self.make("first.db")
        daemon = self.follow()
        self.wait_replicated("first.db")
        self.make("second.db")
        self.make("deep/down/third.db")
        self.make("notes.txt")
        for name in ("second.db", "deep/down/third.db"):
            self.wait_replicated(name)
        # They go on.
        self.make("deep/down/third.db", rows=7)
        self.wait_replicated("deep/down/third.db", rows=12)
        self.assertEqual(2, self.count(daemon, "added database to replication"))
        self.assertFalse((self.replica / "notes.txt").exists())
        self.assertEqual(0, daemon.stop(), daemon.output())

    def test_T79_AFileThatBecomesADatabase(self):
        daemon = self.follow()
        path = self.tenants / "slow.db"
        path.touch()
        connection = sqlite3.connect(path)  # stays open: nobody closes the file
        # The look that finds no database: it waits for the file to change.
        wait_for(lambda: watches(daemon.pid, path), "a watch of the file")
        connection.execute("CREATE TABLE t(x)")
        connection.execute("INSERT INTO t VALUES('slow.db')")
        connection.commit()
        self.wait_replicated("slow.db", rows=1)
        connection.close()
        daemon.stop()

    def test_T09_T10_ALookAtTheDirectoryTakesNoLockAway(self):
        first = self.make("first.db")
        application = sqlite3.connect(first)
        application.execute("INSERT INTO t VALUES('first.db')")
        application.commit()
        daemon = self.follow(pattern="*")
        self.wait_replicated("first.db", rows=6)
        index = first.with_name("first.db-shm")
        held = lambda: (daemon.attached_to(first), daemon.attached_to(index))
        self.assertEqual((True, True), held())
        first.with_name("alias.db").symlink_to("first.db")
        self.make("second.db")
        self.wait_replicated("second.db")
        self.assertIn("is the same file as another database", daemon.output())
        self.assertEqual((True, True), held())
        # So an application that ends does not take itself for the last one, whose part it is to delete the log.
        application.close()
        self.assertTrue(index.exists())
        self.assertEqual(0, daemon.stop(), daemon.output())

    def test_T79_WhatIsGoneIsLetGoAndItsReplicaStays(self):
        path = self.make("a.db")
        self.make("sub/b.db")
        daemon = self.follow()
        self.wait_replicated("a.db")
        self.wait_replicated("sub/b.db")
        for gone in list(self.tenants.glob("a.db*")):
            gone.unlink()
        wait_for(lambda: self.count(daemon, "removed database from replication") == 1, "the removal")
        before = harness.object_files(self.replica / "a.db")
        self.assertTrue(before)
        # A directory that is moved away takes its databases along, and brings them to their new place.
        os.rename(self.tenants / "sub", self.tenants / "other")
        wait_for(lambda: self.count(daemon, "removed database from replication") == 2, "the second removal")
        wait_for(lambda: self.count(daemon, "added database to replication") == 1, "the addition")
        wait_for(lambda: harness.object_files(self.replica / "other/b.db"), "its replica")
        # Nothing recreates what is gone, and nothing is deleted.
        self.assertEqual(before, harness.object_files(self.replica / "a.db"))
        self.assertFalse(path.exists())
        # It comes again, with other content.
        self.make("a.db", rows=3)
        self.wait_replicated("a.db", rows=3)
        self.assertEqual(0, daemon.stop(), daemon.output())

    def test_T79_NotRecursive(self):
        daemon = self.follow(recursive=False)
        self.make("sub/hidden.db")
        self.make("seen.db")
        self.wait_replicated("seen.db")
        self.assertFalse((self.replica / "sub").exists())
        daemon.stop()

    def test_T79_AStorm(self):
        chance = random.Random(self.seed)
        daemon = self.follow()
        names = [f"{place}/{number}.db" for place in ("x", "y", "x/z") for number in range(4)]
        for _ in range(80):
            name = chance.choice(names)
            path = self.tenants / name
            what = chance.random()
            if what < 0.5 or not path.exists():
                if not path.exists():
                    self.make(name, rows=1)
            elif what < 0.8:
                for gone in path.parent.glob(path.name + "*"):
                    gone.unlink(missing_ok=True)
            else:
                harness.shutil.rmtree(path.parent, ignore_errors=True)
            time.sleep(chance.uniform(0, 0.05))
        left = [name for name in names if (self.tenants / name).exists()]
        for name in left:
            self.wait_replicated(name, rows=1)
        for name in names:
            if name not in left:
                self.make(name, rows=1)
                self.wait_replicated(name, rows=1)
        self.assertEqual(0, daemon.stop(), daemon.output()[-3000:])

    def test_T79_EventsThatAreLost(self):
        most = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        daemon = self.follow()
        self.make("first.db")
        self.wait_replicated("first.db")
        daemon.signal(signal.SIGSTOP)
        for number in range(most // 3 + 100):
            path = self.tenants / f"{number % 50}.tmp"
            path.touch()
            path.unlink()
        self.make("second.db")
        daemon.signal(signal.SIGCONT)
        self.wait_replicated("second.db")
        daemon.stop()
