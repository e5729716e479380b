"""The witness of test_soak.py plans as the official program does, and sees what it is there to see."""

import json
import pathlib
import unittest

from flaky import Change
from witness import HEADER, File, Witness, faults_of_order, header_of, plan, wal_place

PLANS = pathlib.Path(__file__).parent.parent / "data" / "restore" / "restore-plans.json"


class PlanTestCase(unittest.TestCase):
    """The witness plans as the official program does."""

    def test_UpstreamsOwnPlans(self):
        scenarios = json.loads(PLANS.read_text())["scenarios"]
        for scenario in scenarios:
            with self.subTest(scenario["name"]):
                files = [File(entry["level"], int(entry["min"], 16), int(entry["max"], 16), 1, entry["created"] * 1000) for entry in scenario["files"]]
                before = scenario["before"] and scenario["before"] * 1000
                found = plan(files, before=before)
                names = [f"{file.level}/{file.first:016x}-{file.last:016x}.ltx" for file in found] if found else None
                self.assertEqual(scenario["plan"] if scenario["outcome"] == "ok" else None, names)
        self.assertGreater(len(scenarios), 10)


class FakeStore:
    """What Witness asks a client for."""

    def __init__(self):
        self.content = {}

    def put(self, key, header=None):
        level, first, last = key[:4], int(key[5:21], 16), int(key[22:38], 16)
        self.content[key] = header or HEADER.pack(b"LTX1", 2, 4096, 10, first, last, 0, 0, 32, 0, 0, 0).ljust(100, b"\0")

    def entries(self, bucket, prefix):
        return {prefix + key: (len(data), 0.0, str(hash(data))) for key, data in self.content.items()}

    def head_of(self, bucket, key, size):
        return self.content[key.removeprefix("db/")][:size]


class WitnessTestCase(unittest.TestCase):
    """Nothing of what a witness is for escapes it."""

    def setUp(self):
        self.store, self.seconds = FakeStore(), 0.0
        self.witness = Witness(self.store, "b", "db/", 30, 3, now=lambda: self.seconds, wall=lambda: self.seconds * 1000)

    def put(self, *keys):
        for key in keys:
            change = Change("put", (f"b/db/{key}",))
            self.witness.began(change)
            self.store.put(key)
            self.witness.ended(change, 200)
        self.later(0.1)
        self.witness.look()

    def delete(self, *keys):
        change = Change("delete", tuple(f"b/db/{key}" for key in keys))
        self.witness.began(change)
        for key in keys:
            self.store.content.pop(key, None)
        self.witness.ended(change, 200)
        self.later(0.1)
        self.witness.look()

    def later(self, seconds):
        self.seconds += seconds

    @staticmethod
    def key(level, first, last=None):
        return f"{level:04x}/{first:016x}-{last or first:016x}.ltx"

    def complains(self, text):
        self.assertRegex("\n".join(self.witness.problems()), text)

    def history(self):
        """A snapshot, four cuts, and a merge of the first three."""
        self.put(self.key(9, 1), *(self.key(0, n) for n in range(1, 5)))
        self.put(self.key(1, 1, 3))

    def test_WhatIsRight(self):
        self.history()
        self.later(3.5)
        self.delete(self.key(0, 1), self.key(0, 2), self.key(0, 3))
        self.put(self.key(0, 5), self.key(1, 4))
        self.later(3.5)
        self.delete(self.key(0, 4))
        self.assertEqual([], self.witness.problems())
        self.assertEqual(4, self.witness.deletions)
        self.assertGreater(self.witness.judged, 0)

    def test_TheNewestState(self):
        self.history()
        self.later(3.5)
        self.delete(self.key(0, 4))
        self.complains("takes the newest state: 4 becomes 3")

    def test_ACutThatIsYoung(self):
        self.history()
        self.delete(self.key(0, 2))
        self.complains("takes state 2")

    def test_AnEndOfLevelOne(self):
        self.history()
        self.put(self.key(0, 5), self.key(1, 4, 5), self.key(2, 1, 5))
        self.later(10)
        self.delete(self.key(0, 1), self.key(0, 2), self.key(0, 3), self.key(0, 4))
        self.assertEqual([], self.witness.problems())
        self.delete(self.key(1, 1, 3))
        self.complains("takes state 3, 1")

    def test_AnEndOfLevelOneThatIsOld(self):
        self.test_AnEndOfLevelOne()
        self.witness.complaints.clear()
        self.put(self.key(0, 6), self.key(1, 6))
        self.later(31)
        self.delete(self.key(1, 4, 5))
        self.assertEqual([], self.witness.problems())

    def test_WhatAnotherWriterGaveUp(self):
        self.history()
        self.put(self.key(9, 1, 4))
        self.witness.ours = False
        self.delete(self.key(9, 1), *(self.key(0, n) for n in range(1, 4)), self.key(1, 1, 3))
        self.put(self.key(1, 1, 3))
        self.assertEqual([], self.witness.problems())
        self.assertEqual({}, self.witness.promised())

    def test_WhatARestoreMayBeReading(self):
        self.history()
        self.put(self.key(1, 4))
        self.delete(self.key(0, 4))
        self.complains("which a restore of the newest state may be reading")

    def test_ADeletionOfNobody(self):
        self.history()
        del self.store.content[self.key(1, 1, 3)]
        self.later(1)
        self.witness.look()
        self.complains("is gone, and nobody deleted it")

    def test_ADeletionThatDidNotComeThrough(self):
        """The files are as old as they were when it is tried again."""
        self.history()
        self.later(3.5)
        keys = [self.key(0, n) for n in range(1, 4)]
        change = Change("delete", tuple(f"b/db/{key}" for key in keys))
        self.witness.began(change)
        self.witness.ended(change, None)
        self.later(6)
        self.witness.look()
        self.assertEqual(4, len(self.witness.of_level(0)))
        self.delete(*keys)
        self.assertEqual([], self.witness.problems())

    def test_AFileThatIsPutAgainIsYoung(self):
        self.history()
        self.later(3.5)
        self.delete(self.key(0, 2))
        self.put(self.key(0, 2))
        self.assertEqual([], self.witness.problems())
        self.delete(self.key(0, 2))
        self.complains("takes state 2")

    def test_AnAnswerThatNobodySaw(self):
        self.history()
        self.store.put(self.key(0, 5))
        self.later(1)
        self.witness.look()
        self.assertEqual([], self.witness.problems())
        self.assertEqual(5, self.witness.of_level(0)[-1].last)

    def test_APutWithoutAnAnswerThatIsThere(self):
        """Whoever lists now plans with it."""
        self.put(self.key(9, 1), self.key(0, 1), self.key(0, 2), self.key(0, 3))
        change = Change("put", (f"b/db/{self.key(1, 2, 3)}",))
        self.witness.began(change)
        self.store.put(self.key(1, 2, 3))
        self.witness.ended(change, None)
        self.later(0.1)
        self.witness.look()
        self.put(self.key(0, 4))
        self.later(3.2)
        self.delete(self.key(0, 2), self.key(0, 3))
        self.assertEqual([], self.witness.problems())

    def test_OtherContent(self):
        self.history()
        self.store.content[self.key(0, 4)] += b"x"
        self.witness.look()
        self.complains("has another content")

    def test_Headers(self):
        good = dict(flags=2, first=5, last=5, before=0, commit=10)
        for wrong, text in (({"first": 4}, "says 4-5 inside"), ({"flags": 0}, "upstream refuses"), ({"before": 1 << 63}, "upstream refuses"), ({"commit": 0}, "upstream refuses")):
            with self.subTest(wrong):
                self.setUp()
                self.history()
                fields = {**good, **wrong}
                header = HEADER.pack(b"LTX1", fields["flags"], 4096, fields["commit"], fields["first"], fields["last"], 0, fields["before"], 32, 0, 0, 0)
                self.store.put(self.key(0, 5), header.ljust(100, b"\0"))
                self.later(1)
                self.witness.look()
                self.complains(text)

    def test_Names(self):
        self.history()
        self.store.content["0000/junk"] = b""
        self.later(1)
        self.witness.look()
        self.complains("foreign name")

    def test_TheWayOfAnOfficialWriter(self):
        for files, text in (([File(9, 1, 4)], "level 0 is empty"), ([File(0, 3, 3), File(1, 1, 4)], "level 1 reaches 4, level 0 only 3"),
                            ([File(0, 5, 5), File(1, 1, 4), File(1, 2, 3)], "brings nothing"), ([File(0, 5, 5), File(1, 1, 4), File(2, 1, 3)], "inside of 1-4"),
                            ([File(0, 5, 5), File(1, 1, 4), File(1, 5, 5), File(2, 1, 4), File(9, 1, 5)], None)):
            with self.subTest(files):
                found = " ".join(faults_of_order(files))
                self.assertRegex(found, text) if text else self.assertEqual("", found)

    def test_ASnapshotIsNotAloneForLong(self):
        self.put(self.key(9, 1, 4))
        self.assertEqual([], self.witness.problems())
        self.later(21)
        self.witness.look()
        self.complains("level 0 is empty")

    def test_ThePlaceInTheWal(self):
        for offset, size, first, last, right in ((32, 0, 5, 5, True), (32, 2 * 4120, 5, 5, True), (32 + 4120, 4120, 5, 5, True), (0, 0, 5, 5, False), (32, 100, 5, 5, False),
                                                 (32, 0, 4, 5, False)):
            header = header_of(HEADER.pack(b"LTX1", 2, 4096, 10, first, last, 0, 0, offset, size, 0, 0).ljust(100, b"\0"))
            self.assertEqual(right, wal_place(header) is None, header)
