"""A codec that official Litestream does not know: it says so and restores nothing; we restore also what two codecs have written."""

import official
import harness


class CodecTestCase(harness.TestCase):
    def replicate_with(self, codec):
        """Replicates what a writer commits meanwhile; returns the newest transaction."""
        config = self.dir / f"{codec}.yml"
        config.write_text(f"codec: {codec}\ndbs:\n- path: {self.db}\n  replica:\n    path: {self.replica}\n")
        replicator = self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", config], self._log("replicate")))
        newest = self.write_now(count=20, rows=5)["newest"]
        self.wait_restorable(newest)
        self.assertEqual(0, replicator.stop())
        self.assertEqual([], replicator.complaints())
        return newest

    def page_flags(self):
        """Those of the first page in each file of the replica."""
        files = sorted(self.replica.rglob("*.ltx"))
        return {int.from_bytes(path.read_bytes()[104:106], "big") for path in files if path.stat().st_size > 200}


class ZstdTestCase(CodecTestCase):
    def test_OfficialRefusesAReplicaAndRestoresNothing(self):
        theirs = official.get("0.5.17")
        newest = self.replicate_with("zstd")
        self.assertEqual({0x2000}, self.page_flags())
        self.judge(self.restore(), exactly=newest)
        out, error = self.try_restore(program=theirs, name="theirs.db")
        self.assertIsNone(out)
        self.assertIn("invalid page header flags: 0x2000", error)
        self.assertEqual([], [path.name for path in (self.dir / "out").glob("theirs.db*")])

    def test_AReplicaOfTwoCodecsIsRestored(self):
        for codec in ("lz4", "zstd", "lz4"):
            newest = self.replicate_with(codec)
            self.judge(self.restore(), exactly=newest)
        self.assertEqual({1, 0x2000}, self.page_flags())
