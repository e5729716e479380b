"""A daemon on a new machine: what is missing is brought back from its replicas before it is followed."""

import random
import time

import harness
import official
from harness import ours_only, url_of, wait_for


class RestoreMissingTestCase(harness.TestCase):
    FLAG = "-restore-if-db-not-exists"

    def remove_everything_local(self):
        for path in self.dir.glob("*app.db*"):
            harness.shutil.rmtree(path) if path.is_dir() else path.unlink()

    def backed_up(self, *urls, **options):
        newest = self.write_now(**{"count": 20, **options})["newest"]
        replicator = self.replicate(*urls, flags=["-once"])
        self.assertEqual(0, replicator.wait(), replicator.output())
        self.remove_everything_local()
        return newest

    def configuration(self, urls, wanted="true"):
        config = self.dir / "litestream.yml"
        config.write_text(f"dbs:\n- path: {self.db}\n  restore-if-db-not-exists: {wanted}\n  replicas:\n" +
                          "".join(f"  - url: {url}\n" for url in urls))
        return config

    def with_configuration(self, config, *flags):
        return self.start(harness.Replicator([harness.PROGRAM, "replicate", *flags, "-config", config], self._log("replicate")))

    def test_WithTheFlag(self):
        newest = self.backed_up()
        replicator = self.replicate(flags=[self.FLAG])
        wait_for(lambda: "initialized db" in replicator.output(), "the start")
        self.assertIn('msg="attempting restore before replication" path=', replicator.output())
        self.assertIn('msg="restore completed" path=', replicator.output())
        self.assertEqual(newest, self.judge(self.db)["n"])
        # The history goes on.
        newest = self.write_now(count=20)["newest"]
        self.wait_restorable(newest)
        self.assertEqual(0, replicator.stop(), replicator.output())

    def test_WithTheKeyAndOnlyThen(self):
        newest = self.backed_up()
        replicator = self.with_configuration(self.configuration([url_of(self.replica)], "false"))
        wait_for(lambda: "initialized db" in replicator.output(), "the start")
        replicator.stop()
        self.assertFalse(self.db.exists())
        replicator = self.with_configuration(self.configuration([url_of(self.replica)]), "-once")
        self.assertEqual(0, replicator.wait(), replicator.output())
        self.assertEqual(newest, self.judge(self.db)["n"])

    def test_WhatIsThereStays(self):
        self.backed_up()
        newest = self.write_now(count=3, log=self.dir / "other")["newest"]
        before = harness.dump_of(self.db)
        replicator = self.replicate(flags=[self.FLAG, "-once"])
        self.assertEqual(0, replicator.wait(), replicator.output())
        self.assertIn('msg="database exists, skipping restore"', replicator.output())
        self.assertEqual(before, harness.dump_of(self.db))
        self.assertEqual(newest, self.judge(self.restore())["n"])

    def test_WithoutABackupItStartsFresh(self):
        replicator = self.replicate(flags=[self.FLAG])
        wait_for(lambda: 'msg="no backup found, starting fresh"' in replicator.output(), "the line that says so")
        newest = self.write_now(count=3)["newest"]
        self.wait_restorable(newest)

    @ours_only
    def test_TheReplicaThatReachesFarthest(self):
        first, second, third = (url_of(self.dir / name) for name in "abc")
        self.write_now(count=10)
        self.assertEqual(0, self.replicate(first, second, flags=["-once"]).wait())
        newest = self.write_now(count=10)["newest"]
        self.assertEqual(0, self.replicate(second, flags=["-once"]).wait())
        self.remove_everything_local()
        replicator = self.with_configuration(self.configuration([first, second, third]))
        wait_for(lambda: "initialized db" in replicator.output(), "the start")
        self.assertIn("replica=file-2", replicator.output())
        self.assertEqual(newest, self.judge(self.db)["n"])
        newest = self.write_now(count=10)["newest"]
        for url in (first, second, third):
            self.wait_restorable(newest, url)
        self.assertEqual(0, replicator.stop(), replicator.output())

    @ours_only
    def test_ADamagedBackupIsFatal(self):
        self.backed_up()
        for path in (self.replica / "ltx" / "9").iterdir():
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 0xff
            path.write_bytes(data)
        replicator = self.replicate(flags=[self.FLAG])
        self.assertEqual(1, replicator.wait())
        self.assertIn("Error: restore failed: ", replicator.output())
        self.assertFalse(self.db.exists())
        self.assertNotIn("initialized db", replicator.output())

    @ours_only
    def test_T81_ABackupOfVersion03IsNotPassedOver(self):
        old = official.get("0.3.13")
        self.write_now(count=10)
        writer = self.replicate(program=old)
        wait_for(lambda: list(self.replica.glob("generations/*/snapshots/*")), "a snapshot of version 0.3")
        writer.stop()
        self.remove_everything_local()
        replicator = self.replicate(flags=[self.FLAG])
        self.assertEqual(1, replicator.wait(), replicator.output())
        self.assertIn("backup of version 0.3", replicator.output())
        self.assertFalse(self.db.exists())

    @ours_only
    def test_ALeftoverLogIsNoPartOfTheBackup(self):
        self.backed_up()
        leftover = self.dir / "app.db-wal"
        leftover.write_bytes(b"x" * 5000)
        replicator = self.replicate(flags=[self.FLAG])
        self.assertEqual(1, replicator.wait())
        self.assertIn("Error: restore failed: ", replicator.output())
        self.assertIn("app.db-wal", replicator.output())
        self.assertFalse(self.db.exists())

    def test_KilledInTheMiddleThereIsNoHalfDatabase(self):
        chance = random.Random(self.seed)
        newest = self.backed_up(until_bytes=20_000_000, count=0, rows=100)
        halves = 0
        for _ in range(8):
            replicator = self.replicate(flags=[self.FLAG])
            time.sleep(chance.uniform(0, 0.25))
            replicator.kill()
            if self.db.exists():
                self.assertEqual(newest, self.judge(self.db)["n"])
                self.remove_everything_local()
            elif (self.dir / "app.db.tmp").exists():
                halves += 1
        print(f"{halves} of 8 were killed while they wrote")
        self.assertEqual(0, self.replicate(flags=[self.FLAG, "-once"]).wait())
        self.assertEqual(newest, self.judge(self.db)["n"])
