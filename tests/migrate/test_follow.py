"""-follow: a running daemon is switched over to another place without a gap, as docs/migrate.md says."""

import signal

import harness
import official
from migratecase import MigrateTestCase, content_of
from s3case import S3TestCase

UPSTREAM = """\
levels:
  - interval: 1s
l0-retention: 1s
l0-retention-check-interval: 1s
snapshot:
  interval: 3s
dbs:
  - path: {db}
    replicas:
      - path: {replica}
"""


class FollowingTestCase(MigrateTestCase):
    def follow(self, source, target):
        process = self.start(harness.Process(self.command("-json", "-follow", "-interval", "200ms", source, target), self._log("migrate")))
        harness.wait_for(lambda: "everything is copied, following" in process.output() or not process.running(), "the first copy")
        return process

    def end(self, process):
        self.assertTrue(process.running(), process.output()[-2000:])
        self.assertEqual(0, process.stop(), process.output()[-2000:])
        self.assertNotIn("level=ERROR", process.output())

    def switch_over(self, daemon, target):
        """The steps of the manual. The application writes all the time and has done so for a while."""
        follower = self.follow(self.replica, target)
        newest = harness.newest_commit(self.commit_log)
        self.wait_restorable(newest, source=target)  # it keeps up
        self.assertEqual(0, daemon.stop(), daemon.output()[-2000:])
        self.end(follower)
        return self.replicate(target)

    def assert_nothing_is_missing(self, writer, target):
        newest = writer.summary()["newest"]
        self.wait_restorable(newest, source=target, program=official.get("0.5.17"))
        for program in (official.get("0.5.17"), harness.PROGRAM):
            restored = self.restore(target, program=program)
            self.judge(restored, log=self.commit_log, exactly=newest)
            self.assert_same_database(self.db, restored)


class SwitchOverTestCase(FollowingTestCase, S3TestCase):
    def test_FromADirectoryToASpace(self):
        daemon = self.replicate()
        writer = self.write(seconds=5, rows=3, gap="5-30")
        self.wait_restorable(20)
        daemon = self.switch_over(daemon, self.url())
        self.assert_nothing_is_missing(writer, self.url())
        # It is the replica that the daemon has left: nobody else's, so nothing is sent once more.
        self.assertNotIn("adopting", daemon.output())
        self.assertEqual([], daemon.reconciles())
        # Every TXID of the old place is at the new one.
        levels = {path.name for path in self.replica.glob("ltx/0/*.ltx")}
        self.assertLessEqual(levels, {key.rpartition("/")[2] for key in self.objects("db/0000/")})

    def test_FromUpstreamToUs(self):
        """Whose daemon merges and deletes files while they are copied."""
        config = self.dir / "upstream.yml"
        config.write_text(UPSTREAM.format(db=self.db, replica=self.replica))
        theirs = official.get("0.5.17")
        daemon = self.start(harness.Replicator([theirs, "replicate", "-config", config], self._log("upstream")))
        writer = self.write(seconds=7, rows=3, gap="5-30")
        self.wait_restorable(50, program=theirs)
        self.switch_over(daemon, self.url())
        self.assert_nothing_is_missing(writer, self.url())


class FollowTestCase(FollowingTestCase):
    def test_WhatComesIsCopied(self):
        daemon = self.replicate()
        newest = self.write_now(count=5, rows=3)["newest"]
        self.wait_restorable(newest)
        follower = self.follow(self.replica, self.target)
        for _ in range(3):
            newest = self.write_now(count=3, rows=3)["newest"]
            self.wait_restorable(newest, source=self.target)
        daemon.stop()
        self.end(follower)
        self.assertEqual(content_of(self.replica), content_of(self.target))

    def test_KilledAndTakenUpAgain(self):
        self.replicate()
        self.write(seconds=3, rows=3, gap="5-30")
        self.wait_restorable(10)
        for _ in range(3):
            follower = self.follow(self.replica, self.target)
            self.wait_restorable(harness.newest_commit(self.commit_log), source=self.target)
            follower.kill()
        self.assertTrue(self.wait_restorable(1, source=self.target))

    def test_ASecondSignalEndsItAtOnce(self):
        self.make(objects=300, size=30_000)
        process = self.start(harness.Process(self.command("-follow", "-bwlimit", "1MiB", self.replica, self.target), self._log("migrate")))
        harness.wait_for(lambda: list(self.target.rglob("*.ltx")), "the first object")
        process.signal(signal.SIGTERM)
        harness.wait_for(lambda: "copying what is left" in process.output(), "the first signal to be heard")
        process.signal(signal.SIGTERM)
        self.assertEqual(4, process.wait())
