"""Side by side with official Litestream v0.5.17: it restores what we wrote, we restore what it wrote, and each goes on where the other stopped."""

import os

import harness
import official
from harness import PROGRAM, dump_of


class InteropTestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.theirs = official.get("0.5.17")

    def assert_both_restore(self, source, at_least, replica=None):
        """Both programs, the same database, equal to its source."""
        for name, program in (("ours", PROGRAM), ("theirs", self.theirs)):
            with self.subTest(restored_by=name):
                restored = self.wait_restorable(at_least, source=replica, program=program, name=f"{name}.db")
                self.assert_same_database(source, restored)

    def chaotic(self, **options):
        self.write_now(count=20, rows=5, **{key: value for key, value in options.items() if key in ("page_size", "auto_vacuum")})
        replicator = self.replicate()
        options = {"chaos": True, "rows": 3, "processes": 2, "seconds": 3, "gap": "0-3", **options}
        summary = self.write_now(**options)
        self.assert_both_restore(self.db, summary["newest"])
        self.assertEqual(0, replicator.stop())
        if not harness.is_official():
            self.assert_same_bytes(self.db, self.restore(program=self.theirs))


class OfficialRestoresOursTestCase(InteropTestCase):
    def test_UnderAChaoticWriter(self):
        self.chaotic(seconds=int(os.environ.get("LITESTREAM_CHAOS_SECONDS") or 5), processes=3)

    def test_UnderAChaoticWriterWithIncrementalVacuum(self):
        self.chaotic(auto_vacuum=2)

    def test_AtATransactionOfThePast(self):
        self.replicate()
        for n in range(1, 6):
            self.write_now(count=1)
            self.wait_restorable(n)
        names = sorted(path.name for path in (self.replica / "ltx" / "0").glob("*.ltx"))
        self.assertGreater(len(names), 2)
        for name in names:
            flags = ["-txid", name[17:33]]
            mine = self.restore(flags=flags, name="mine.db")
            official_one = self.restore(flags=flags, program=self.theirs, name="theirs.db")
            self.assertEqual(dump_of(mine, immutable=True), dump_of(official_one, immutable=True), name)


class PageSizeTestCase(InteropTestCase):
    def test_512(self):
        self.chaotic(page_size=512)

    def test_1024(self):
        self.chaotic(page_size=1024)

    def test_2048(self):
        self.chaotic(page_size=2048)

    def test_4096(self):
        self.chaotic(page_size=4096)

    def test_8192(self):
        self.chaotic(page_size=8192)

    def test_16384(self):
        self.chaotic(page_size=16384)

    def test_32768(self):
        self.chaotic(page_size=32768)

    def test_65536(self):
        self.chaotic(page_size=65536)


class HandOverTestCase(InteropTestCase):
    """Three rounds: one program replicates, the other goes on with the same replica, and so forth."""

    def hand_over(self, first, second):
        total = 0
        for turn in range(6):
            program = first if turn % 2 == 0 else second
            replicator = self.replicate(program=program)
            # Commits before, after and between: what the other one wrote into the database is there as well.
            total = self.write_now(count=15, rows=4)["newest"]
            self.wait_restorable(total, program=program)
            total = self.write_now(count=15, rows=4)["newest"]
            self.wait_restorable(total, program=program)
            replicator.stop()
            self.assert_both_restore(self.db, total)
            # While nobody looks.
            total = self.write_now(count=5, rows=4)["newest"]
        self.judge(self.restore(), log=self.commit_log)

    def test_TheyGoOnWithOurReplica(self):
        self.hand_over(PROGRAM, self.theirs)

    def test_WeGoOnWithTheirReplica(self):
        self.hand_over(self.theirs, PROGRAM)


class WeRestoreTheirsTestCase(InteropTestCase):
    def test_WhatTheyReplicated(self):
        replicator = self.replicate(program=self.theirs)
        summary = self.write_now(seconds=3, rows=5, chaos=True, gap="0-5")
        self.wait_restorable(summary["newest"], program=self.theirs, name="theirs.db")
        replicator.stop()
        mine = self.restore(name="mine.db")
        self.assert_same_database(self.db, mine)
        self.judge(mine, exactly=summary["newest"])

    def test_WhatTheyReplicatedInThePast(self):
        replicator = self.replicate(program=self.theirs)
        for n in range(1, 4):
            self.write_now(count=1)
            self.wait_restorable(n, program=self.theirs)
        replicator.stop()
        for name in sorted(path.name for path in (self.replica / "ltx" / "0").glob("*.ltx")):
            flags = ["-txid", name[17:33]]
            mine = self.restore(flags=flags, name="mine.db")
            official_one = self.restore(flags=flags, program=self.theirs, name="theirs.db")
            self.assertEqual(dump_of(official_one, immutable=True), dump_of(mine, immutable=True), name)
