"""Databases in rollback-journal mode, followed as they are. LITESTREAM_JOURNAL_ROUNDS makes the crash tests longer (5)."""

import os
import pathlib
import random
import sys
import time

import harness
from harness import ours_only, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
import official  # noqa: E402

ROUNDS = int(os.environ.get("LITESTREAM_JOURNAL_ROUNDS") or 5)


class JournalTestCase(harness.TestCase):
    def follow(self, *settings):
        """A daemon that leaves the journal mode alone."""
        ini = self.dir / "litestream.ini"
        ini.write_text(harness.ini_of({self.db: [harness.url_of(self.replica)]}) + "journal-mode-wal = false\n" + "\n".join(settings) + "\n")
        return self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", ini], self._log("replicate")))

    def chosen(self, replicator):
        return [line.rsplit("source=", 1)[1] for line in replicator.output().splitlines() if "source chosen" in line or 'msg="source chosen"' in line]

    def crash(self, mode):
        """Writers and daemons are killed; whatever can be restored in between is a committed prefix."""
        dice = random.Random(self.seed)
        options = {"journal_mode": mode, "seconds": 120, "chaos": True, "gap": "0-5", "rows": 4}
        self.write_now(count=50, **{**options, "seconds": 0})
        replicator = self.follow()
        self.wait_restorable(50)
        killed = 0
        for _ in range(ROUNDS):
            writer = self.write(**options)
            time.sleep(dice.uniform(0.2, 1.0))
            for process in dice.choice(((writer,), (replicator,), (writer, replicator), (replicator, writer))):
                process.kill()
            if writer.running():
                time.sleep(dice.uniform(0, 0.3))
                writer.kill()
            killed += 1
            # What the next writer finds is what was committed, and so must be what is restored now.
            self.judge(self.restore(), log=self.commit_log, in_flight=killed)
            if not replicator.running():
                replicator = self.follow()
        summary = self.write_now(count=20, **{**options, "seconds": 0})
        self.wait_restorable(summary["newest"])
        self.assertEqual(0, replicator.stop())
        self.assertIsNone(harness.first_difference(self.db, self.restore()))
        self.assertEqual({"app.db", "app.db-journal"} if mode != "DELETE" else {"app.db"}, {p.name for p in self.dir.glob("app.db*")})

    @ours_only
    def test_KilledInDeleteMode(self):
        self.crash("DELETE")

    @ours_only
    def test_KilledInTruncateMode(self):
        self.crash("TRUNCATE")

    @ours_only
    def test_KilledInPersistMode(self):
        self.crash("PERSIST")

    @ours_only
    def test_TheDatabaseIsTheSameByteForByteAsWithoutUs(self):
        alone = self.dir / "alone" / "app.db"
        alone.parent.mkdir()
        options = {"journal_mode": "DELETE", "count": 200, "rows": 3, "chaos": True, "busy_timeout": 60000}
        self.write_now(db=alone, log=self.dir / "alone.bin", **options)
        replicator = self.follow()
        summary = self.write_now(**options)
        self.wait_restorable(summary["newest"])
        self.assertEqual(0, replicator.stop())
        self.assertIsNone(harness.first_difference(alone, self.db))
        self.assertEqual(["journal"], self.chosen(replicator))
        self.assertEqual([], replicator.complaints())

    @ours_only
    def test_GoesOnAfterARestartWithoutReadingItAll(self):
        self.write_now(journal_mode="PERSIST", count=50)
        replicator = self.follow()
        self.wait_restorable(50)
        self.assertEqual(0, replicator.stop())
        replicator = self.follow()
        wait_for(lambda: self.chosen(replicator), "the attachment")
        self.write_now(journal_mode="PERSIST", count=5, gap=50)
        self.wait_restorable(55)
        self.assertEqual([], replicator.reconciles())

    @ours_only
    def test_ASwitchToWalAndBackIsFollowed(self):
        self.write_now(journal_mode="DELETE", count=10)
        replicator = self.follow()
        self.wait_restorable(10)
        self.write_now(count=10)  # makes it a database in WAL mode
        self.wait_restorable(20)
        self.assertEqual(["journal", "sqlite"], self.chosen(replicator))
        self.write_now(count=10)
        self.wait_restorable(30)
        # SQLite leaves WAL mode only while nobody else has the database open.
        self.assertEqual(0, replicator.stop())
        app = self.shell()
        self.assertEqual([["delete"]], app("PRAGMA journal_mode = DELETE"))
        app.close()
        replicator = self.follow()
        self.write_now(journal_mode="DELETE", count=10)
        self.wait_restorable(40)
        self.assertEqual(["journal"], self.chosen(replicator))
        self.assertEqual(0, replicator.stop())
        self.assertIsNone(harness.first_difference(self.db, self.restore()))

    @ours_only
    def test_ADatabaseThatCannotBeSwitchedToWalIsFollowedAsItIs(self):
        self.write_now(journal_mode="DELETE", count=10)
        reader = self.shell()
        reader("BEGIN", "SELECT count(*) FROM rows")
        replicator = self.replicate()
        self.wait_restorable(10)
        self.assertEqual([["delete"]], reader("PRAGMA journal_mode"))
        self.assertEqual(["journal"], self.chosen(replicator))

    @ours_only
    def test_TheOfficialProgramRestoresIt(self):
        theirs = official.get("0.5.17")
        replicator = self.follow()
        summary = self.write_now(journal_mode="TRUNCATE", seconds=2, chaos=True, rows=3, gap="0-4", processes=2)
        self.wait_restorable(summary["newest"])
        self.assertEqual(0, replicator.stop())
        self.assertIsNone(harness.first_difference(self.db, self.restore(program=theirs)))

    @ours_only
    def test_AWriterThatDiesInTheMiddleOfACommitIsWaitedFor(self):
        self.write_now(journal_mode="DELETE", count=10, rows=200)
        replicator = self.follow()
        self.wait_restorable(10)
        app = self.shell()
        app("PRAGMA cache_size = 5", "BEGIN", "UPDATE rows SET body = randomblob(100)")
        app.kill()
        torn, journal = self.db.read_bytes(), pathlib.Path(f"{self.db}-journal").read_bytes()
        self.judge(self.restore(), exactly=10)
        self.assertEqual(0, replicator.stop())
        # Now from the start: the file is no state that could be compared with the replica.
        self.assertNotEqual(0, self.follow("slow-poll = 20ms").stop())
        self.judge(self.restore(), exactly=10)
        replicator = self.follow()
        self.judge(self.restore(), exactly=10)
        self.assertEqual(torn, self.db.read_bytes())
        self.assertEqual(journal, pathlib.Path(f"{self.db}-journal").read_bytes(), "it is the application's to roll back")
        self.write_now(journal_mode="DELETE", count=1)
        self.wait_restorable(11)
        self.assertEqual(0, replicator.stop())
        self.assertIsNone(harness.first_difference(self.db, self.restore()))
