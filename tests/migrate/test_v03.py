"""Replicas that official v0.3.13 wrote: generations of snapshots and WAL segments, each one an LZ4 file."""

import os
import shutil

import harness
import official
from migratecase import MigrateTestCase, content_of, files_of


class GenerationsTestCase(MigrateTestCase):
    def setUp(self):
        super().setUp()
        self.old = official.get("0.3.13")
        self.generation()

    def generation(self):
        """A generation of its own: it begins anew because the local state is lost."""
        self.write_more(2)
        shutil.rmtree(self.dir / ".app.db-litestream")

    def write_more(self, segments):
        config = self.dir / "old.yml"
        config.write_text(f"dbs:\n  - path: {self.db}\n    monitor-interval: 20ms\n    replicas:\n      - path: {self.replica}\n        sync-interval: 20ms\n")
        replicator = self.start(harness.Replicator([self.old, "replicate", "-config", config], self._log("replicate")))
        for _ in range(segments):
            self.newest = self.write_now(count=5, rows=5)["newest"]
            harness.wait_for(lambda: self.restores(self.replica, self.newest), f"transaction {self.newest}", pause=0.05)
        replicator.kill()

    def restores(self, source, newest, program=None):
        restored, _ = self.try_restore(source, program=program or self.old, name="old.db")
        return restored and self.judge(restored)["n"] == newest

    def segments(self):
        return sorted(self.replica.rglob("*.wal.lz4"))

    def test_EverythingArrivesWithItsTimes(self):
        self.generation()
        files = files_of(self.replica)
        self.assertEqual(2, len(list((self.replica / "generations").iterdir())))
        self.assertEqual(len(files), self.migrate("-verify", "full", self.replica, self.target)["verified"])
        self.assertEqual(content_of(self.replica), content_of(self.target))
        for version in ("0.3.13", "0.5.17"):
            self.assertTrue(self.restores(self.target, self.newest, official.get(version)), version)
        self.assertEqual(0, self.migrate(self.replica, self.target)["copied"])

    def test_WhatIsDamagedIsNamedAndStaysBehind(self):
        self.write_more(3)
        flipped, short, long = self.segments()[:3]
        self.damage(flipped)
        short.write_bytes(short.read_bytes()[:-2])
        long.write_bytes(long.read_bytes() + b"more")
        errors = {refused["key"]: refused["error"] for refused in self.migrate(self.replica, self.target, expect=3)["refused"]}
        expected = {flipped: "LZ4 file", short: "cut short", long: "goes on"}
        self.assertEqual({str(path.relative_to(self.replica)) for path in expected}, set(errors))
        for path, text in expected.items():
            self.assertIn(text, errors[str(path.relative_to(self.replica))])
        self.assertEqual(set(), set(errors) & set(files_of(self.target)))

    def test_BothFormatsAtOneRoot(self):
        """As after an upgrade in place."""
        official_new = self.replicate(program=official.get("0.5.17"))
        newest = self.write_now(count=5, rows=5)["newest"]
        harness.wait_for(lambda: self.restores(self.replica, newest, official.get("0.5.17")), "the new format", pause=0.1)
        official_new.stop()
        expected = {name for name in files_of(self.replica) if not name.endswith(".tmp")}
        self.migrate(self.replica, self.target)
        self.assertEqual(expected, set(files_of(self.target)))
        self.assertTrue(self.restores(self.target, newest, official.get("0.5.17")))
        self.assertTrue(self.restores(self.target, self.newest))

    def test_T81_ARestoreMixesNoFormats(self):
        """Both at one root, and the older format has the newer state: what is restored is of ours alone."""
        ours = self.replicate()
        newest = self.write_now(count=5, rows=5)["newest"]
        self.wait_restorable(newest)
        self.assertEqual(0, ours.stop())
        expected = harness.dump_of(self.db)
        self.write_more(1)
        self.assertGreater(self.newest, newest)
        for path in (self.replica / "generations").rglob("*.lz4"):
            os.utime(path, (2_000_000_000, 2_000_000_000))
        restored = self.restore()
        self.assertEqual(newest, self.judge(restored)["n"])
        self.assertEqual(expected, harness.dump_of(restored, immutable=True))
        shutil.rmtree(self.replica / "ltx")
        self.assertIn("0.3", self.try_restore()[1])

    def test_AnotherDatabasesGenerations(self):
        self.migrate(self.replica, self.target)
        shutil.rmtree(self.replica)
        self.generation()
        self.assertIn("another database's replica", self.run_migrate(self.replica, self.target, expect=1).stderr)
