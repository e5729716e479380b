"""Official v0.5.17 and ours take turns at one replica in S3: each restores what the other one wrote and goes on with it."""

import harness
import official
from harness import PROGRAM
from s3case import S3TestCase


class HandOverTestCase(S3TestCase):
    def setUp(self):
        super().setUp()
        self.theirs = official.get("0.5.17")
        self.space = self.url()

    def assert_both_restore(self, at_least):
        for name, program in (("ours", PROGRAM), ("theirs", self.theirs)):
            with self.subTest(restored_by=name):
                restored = self.wait_restorable(at_least, source=self.space, program=program, name=f"{name}.db")
                self.assert_same_database(self.db, restored)

    def replicate_once(self, program, **options):
        """Replicates while a writer works, until everything is restorable."""
        replicator = self.replicate(self.space, program=program)
        newest = self.write_now(**options)["newest"]
        self.wait_restorable(newest, source=self.space, program=program)
        self.stop_in_order(replicator)
        return newest

    def test_TheFixtureServesOfficialOnes(self):
        newest = self.replicate_once(self.theirs, count=20, rows=5)
        self.assert_same_database(self.db, self.restore(self.space, program=self.theirs))
        self.judge(self.restore(self.space, program=self.theirs), exactly=newest)

    def test_TheyRestoreOurs(self):
        self.assert_both_restore(self.replicate_once(PROGRAM, seconds=3, rows=5, chaos=True, gap="0-5"))

    def test_WeRestoreTheirs(self):
        self.assert_both_restore(self.replicate_once(self.theirs, seconds=3, rows=5, chaos=True, gap="0-5"))

    def test_EachRestoresTheOthersPast(self):
        for name, program in (("ours", PROGRAM), ("theirs", self.theirs)):
            with self.subTest(written_by=name):
                space = self.url(path=name)
                replicator = self.replicate(space, program=program)
                for n in range(3):
                    newest = self.write_now(count=1)["newest"]
                    self.wait_restorable(newest, source=space, program=program)
                self.stop_in_order(replicator)
                for key in sorted(self.objects(f"{name}/0000/")):
                    flags = ["-txid", key.rpartition("/")[2][17:33]]
                    mine = self.restore(space, flags=flags, name="mine.db")
                    other = self.restore(space, flags=flags, program=self.theirs, name="theirs.db")
                    self.assertEqual(harness.dump_of(other, immutable=True), harness.dump_of(mine, immutable=True), key)

    def hand_over(self, first, second):
        total = 0
        for turn in range(6):
            program = first if turn % 2 == 0 else second
            replicator = self.replicate(self.space, program=program)
            for _ in range(2):
                total = self.write_now(count=15, rows=4)["newest"]
                self.wait_restorable(total, source=self.space, program=program)
            self.stop_in_order(replicator)
            self.assert_both_restore(total)
            total = self.write_now(count=5, rows=4)["newest"]  # while nobody looks
        self.judge(self.restore(self.space), log=self.commit_log)

    def test_TheyGoOnWithOurReplica(self):
        self.hand_over(PROGRAM, self.theirs)

    def test_WeGoOnWithTheirReplica(self):
        self.hand_over(self.theirs, PROGRAM)
