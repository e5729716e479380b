"""The traps beyond the database, seen from outside: disks, processes, what becomes of a replica. The numbers are those of docs/traps.md."""

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import time

import harness
from harness import dump_of, ours_only, wait_for

MANY = int(os.environ.get("LITESTREAM_SCALE_DATABASES") or 150)
OWN = ("position*", "pagesums*", "spool*")  # what the metadata directory holds, but for the lock


def status_of(pid, name):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name + ":")).split()[1])


def switches_of(pid):
    """How often each thread of a process has been given a core: 0 more, and nobody woke."""
    names = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
    switches = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            switches[task.name] = sum(int(line.split()[1]) for line in (task / "status").read_text().splitlines() if line.startswith(names))
    return switches


class BeyondTestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.meta = self.dir / ".app.db-litestream"
        self.trigger = self.dir / "trigger"

    def level_zero(self):
        return sorted((self.replica / "ltx" / "0").glob("*.ltx"))

    def commit_one_by_one(self, app, count):
        """Each commit gets an object of its own."""
        for _ in range(count):
            before = len(self.level_zero())
            app("INSERT INTO t VALUES(randomblob(100))")
            wait_for(lambda: len(self.level_zero()) > before, "the object of a commit")

    def app_with_table(self):
        app = self.shell()
        app("PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE t(x)")
        return app

    def contents(self):
        return {path: pathlib.Path(path).read_bytes() for path in harness.object_files(self.replica)}

    def assert_untouched(self, before):
        now = self.contents()
        self.assertEqual({}, {path: "changed or gone" for path, content in before.items() if now.get(path) != content})


class DiskTestCase(BeyondTestCase):
    @ours_only
    def test_T50_AFirstSnapshotNeedsNoRoomBesideTheDatabase(self):
        with sqlite3.connect(self.db) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE t(x)")
            connection.executemany("INSERT INTO t VALUES(randomblob(1000000))", [()] * 24)
        connection.close()
        self.trigger.touch()
        replicator = self.replicate(env=harness.fault(self.trigger, [f"{self.meta}/*"], ["write"], "ENOSPC", room=1 << 20))
        self.wait_restores_to(dump_of(self.db))
        self.assertEqual([], replicator.complaints())

    @ours_only
    def test_T61_ALocalStateThatCannotBeReadIsNotGivenUp(self):
        """Neither the local state nor the replica's is thrown away for an error that says nothing of either."""
        app = self.app_with_table()
        replicator = self.replicate()
        wait_for(lambda: self.level_zero(), "the first object")
        self.commit_one_by_one(app, 3)
        self.assertEqual(0, replicator.stop())
        before = self.contents()
        lineage = (self.meta / "position").read_bytes()[:16]
        app("INSERT INTO t VALUES('while nobody looked')")
        self.trigger.touch()
        paths = [f"{self.meta}/{name}" for name in OWN]
        replicator = self.replicate(env=harness.fault(self.trigger, paths, ["open", "write", "rename", "mkdir"], "EMFILE"))
        wait_for(lambda: any("oo many open files" in line for line in replicator.complaints()), "a line about it")
        self.trigger.unlink()
        self.wait_restores_to(dump_of(self.db))
        self.assert_untouched(before)
        self.assertEqual(lineage, (self.meta / "position").read_bytes()[:16])
        self.assertNotIn("adopting", replicator.output())

    @ours_only
    def test_T66_KilledAtEachStepOfAnUpload(self):
        """What is visible is whole, whenever the writer died, and nothing it left is in the way."""
        app = self.app_with_table()
        self.replicate().kill()
        steps = 0
        for step in range(40):
            self.trigger.touch()
            replicator = self.replicate(env=harness.fault(self.trigger, [f"{self.replica}/*", f"{self.replica}"],
                                                          ["open", "write", "fsync", "rename", "link", "mkdir"], "KILL", skip=step))
            app("INSERT INTO t VALUES(randomblob(3000))")
            expected = dump_of(self.db)
            def over():
                return not replicator.running() or self.restores_to(expected)
            wait_for(over, "the death, or the upload")
            self.trigger.unlink()
            if replicator.running():
                replicator.stop()
                break
            steps += 1
            if self.level_zero():
                self.restore()  # the newest state that is visible
        self.assertGreater(steps, 10)
        self.replicate()
        self.wait_restores_to(dump_of(self.db))

    def restores_to(self, expected):
        out, _ = self.try_restore()
        return out is not None and dump_of(out, immutable=True) == expected

    @ours_only
    def test_T67_WhatIsRenamedIsOnTheDiskBeforeAndItsNameAfter(self):
        app = self.app_with_table()
        # One directory is there, as a process leaves it that dies before its name is on the disk.
        (self.replica / "ltx" / "0").mkdir(parents=True)
        self.trigger.touch()
        record = self.dir / "record"
        recorded = {"paths": [f"{self.dir}", f"{self.dir}/*"], "calls": ["fsync", "rename", "link"], "error": "NONE", "record": record}
        replicator = self.replicate(env=harness.fault(self.trigger, **recorded))
        self.wait_restores_to(dump_of(self.db))
        self.commit_one_by_one(app, 3)
        self.assertEqual(0, replicator.stop())
        self.assertGreaterEqual(self.renames_in_order(record, f"{self.replica}/ltx/", self.replica, names_first=True), 5)
        record.unlink()
        out = self.dir / "new" / "elsewhere" / "restored.db"
        restore = self.start(harness.Process([harness.PROGRAM, "restore", "-o", out, harness.url_of(self.replica)], self.dir / "restore.log",
                                             harness.fault(self.trigger, **recorded)))
        self.assertEqual(0, restore.wait())
        self.assertEqual(1, self.renames_in_order(record, str(out), self.dir, names_first=False))

    def renames_in_order(self, record, target, top, names_first):
        """How many renames to `target...` there were, each between the fsync of that file and that of its directory. Those of the directories above, up
        to `top`, have come before it or come in the end."""
        calls = [line.split(" ", 1) for line in record.read_text().splitlines()]
        renames = [(at, path) for at, (call, path) in enumerate(calls) if call in ("rename", "link") and path.startswith(target)]
        for at, path in renames:
            directory, name = os.path.split(path)
            neighbours = [other for other, its in renames if os.path.dirname(its) == directory]
            before = [other for call, other in calls[:at] if call == "fsync" and os.path.dirname(other) == directory]
            self.assertTrue(any(name in os.path.basename(other) for other in before), f"{path} was renamed without an fsync of its content")
            # Before anything else counts there.
            until = next((other for other in neighbours if other > at), len(calls))
            self.assertIn(["fsync", directory], calls[at:until], f"the name of {path} may be lost")
            above = calls[:at] if names_first else calls
            while directory != str(top):
                directory = os.path.dirname(directory)
                self.assertIn(["fsync", directory], above, f"the name of a directory in {directory} may be lost, and {path} with it")
        return len(renames)


class ContentTestCase(BeyondTestCase):
    """What becomes of a replica."""

    @ours_only
    def test_T59_AHoleThatAppearedWhileNobodyLookedIsBridged(self):
        app = self.app_with_table()
        replicator = self.replicate()
        wait_for(lambda: self.level_zero(), "the first object")
        self.commit_one_by_one(app, 4)
        self.assertEqual(0, replicator.stop())
        self.level_zero()[-2].unlink()
        self.assertIsNone(self.try_restore()[0], "a hole must show")
        before = self.contents()
        self.replicate()
        app("INSERT INTO t VALUES('after the hole')")
        self.wait_restores_to(dump_of(self.db))
        self.assert_untouched(before)

    @ours_only
    def test_T62_ARestoreThatIsPausedForLongerThanEveryIntervalEndsWell(self):
        config = self.dir / "litestream.yml"
        config.write_text(f"levels:\n  - interval: 1s\n  - interval: 2s\nsnapshot:\n  interval: 3s\n  retention: 6s\n"
                          f"l0-retention: 1s\nl0-retention-check-interval: 500ms\n"
                          f"dbs:\n  - path: {self.db}\n    replica:\n      url: {harness.url_of(self.replica)}\n")
        self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", config], self._log("replicate")))
        writer = self.write(seconds=40, gap="5-30")
        wait_for(lambda: len(list((self.replica / "ltx" / "9").glob("*.ltx"))) > 1, "two snapshots")
        # It opens one file after the other so slowly that it can be stopped with its plan made and nothing read.
        self.trigger.touch()
        out = self.dir / "out" / "paused.db"
        restore = self.start(harness.Process([harness.PROGRAM, "restore", "-parallelism", "1", "-o", out, harness.url_of(self.replica)],
                                             self.dir / "restore.log", harness.fault(self.trigger, [f"{self.replica}/*.ltx"], ["open"],
                                                                                     "NONE", delay=300_000)))
        wait_for(lambda: out.parent.exists() and list(out.parent.iterdir()), "the plan", pause=0.005)
        restore.signal(signal.SIGSTOP)
        self.trigger.unlink()
        began = harness.newest_commit(self.commit_log)
        there = {path.name for level in range(10) for path in (self.replica / "ltx" / str(level)).glob("*.ltx")}
        def replaced():
            left = {path.name for level in range(10) for path in (self.replica / "ltx" / str(level)).glob("*.ltx")} & there
            return not left
        wait_for(replaced, "every file of that moment to be deleted by retention")
        restore.signal(signal.SIGCONT)
        self.assertEqual(0, restore.wait(), restore.output())
        self.assertIn("begins again", restore.output())
        self.assertGreaterEqual(self.judge(out)["n"] + 50, began)
        writer.stop()

    @ours_only
    def test_T82_AWriterThatWasPausedCannotGoOnBesideItsSuccessor(self):
        self.write_now(count=10)
        paused = self.replicate()
        self.wait_restorable(10)
        paused.signal(signal.SIGSTOP)
        second = self.dir / "second" / "app.db"
        second.parent.mkdir()
        shutil.copy(self.restore(), second)
        self.replicate(self.replica, db=second)
        self.write_now(db=second, count=5, log=self.dir / "second.bin")
        self.wait_restores_to(dump_of(second))
        paused.signal(signal.SIGCONT)
        self.write_now(count=3)
        wait_for(lambda: any("another writer" in line for line in paused.complaints()), "the first one to notice")
        self.write_now(db=second, count=5, log=self.dir / "second.bin")
        self.wait_restores_to(dump_of(second))
        self.judge(self.restore(), log=self.dir / "second.bin")

    @ours_only
    def test_T83_AFirstSnapshotFromASlowDiskUnderLoad(self):
        """10 MB/s, for it reads half a megabyte at a time, while the application writes and checkpoints."""
        self.write_now(rows=1000, row_bytes=1000, count=12)
        self.trigger.touch()
        replicator = self.replicate(env=harness.fault(self.trigger, [str(self.db)], ["read"], "NONE", delay=50_000))
        writer = self.write(rows=50, row_bytes=500, seconds=4, gap="5", autocheckpoint=50)
        snapshots = self.replica / "ltx" / "9"
        wait_for(lambda: list(snapshots.glob("*.ltx")), "the snapshot", pause=0.05)
        during = harness.newest_commit(self.commit_log)
        self.judge(self.restore(), log=self.commit_log)
        first = sorted(snapshots.glob("*.ltx"))[0].name[17:33]
        self.judge(self.restore(flags=["-txid", first]), log=self.commit_log)
        summary = writer.summary()
        print(f"{during} of {summary['newest']} transactions were there when the snapshot was")
        self.wait_restorable(summary["newest"])
        self.assertEqual([], replicator.complaints())


class ManyTestCase(BeyondTestCase):
    def test_T52_T53_ManyDatabasesStartAtOnceAndCostNothingWhileTheyRest(self):
        """LITESTREAM_SCALE_DATABASES=10000 makes them as many as somebody has."""
        databases = {}
        for number in range(MANY):
            directory = self.dir / "dbs" / f"{number:05}"
            directory.mkdir(parents=True)
            with sqlite3.connect(directory / "app.db") as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("CREATE TABLE t(x)")
                connection.execute("INSERT INTO t VALUES(?)", (number,))
            connection.close()
            databases[directory / "app.db"] = [harness.url_of(directory / "replica")]
        config = self.dir / "litestream.ini"
        config.write_text(harness.ini_of(databases))
        # The soft limit of descriptors is for far fewer.
        replicator = self.start(harness.Replicator(["sh", "-c", 'ulimit -Sn 100 && exec "$@"', "sh", harness.PROGRAM, "replicate", "-config", config],
                                                   self._log("replicate")))
        def current():
            return all((db.parent / "replica/ltx/0").is_dir() for db in databases)
        began = time.monotonic()
        wait_for(current, "every database at its replica", harness.HEALING, pause=0.2)
        print(f"{MANY} databases were at their replicas after {time.monotonic() - began:.1f} s")
        self.assertEqual([], replicator.complaints())
        self.assertLessEqual(status_of(replicator.pid, "Threads"), 20)
        self.assertLessEqual(len(os.listdir(f"/proc/{replicator.pid}/fd")), 3 * MANY + 50)
        # The process looks at all files together now and then, in case it was told nothing: that is no timer per database.
        def rest():
            before, began = switches_of(replicator.pid), time.monotonic()
            time.sleep(1)
            more = sum(count - before.get(task, 0) for task, count in switches_of(replicator.pid).items())
            return more / (time.monotonic() - began)
        rates = []
        def quiet():
            rates.append(rest())
            return rates[-1] < MANY / 10
        wait_for(quiet, f"rest: {rates}", pause=0.25)
        print(f"at rest threads get a core {rates[-1]:.1f} times a second, with {MANY} databases")
        chosen = list(databases)[MANY // 2]
        with sqlite3.connect(chosen) as connection:
            connection.execute("INSERT INTO t VALUES('later')")
        connection.close()
        self.wait_restores_to(dump_of(chosen), source=chosen.parent / "replica")
