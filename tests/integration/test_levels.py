"""Levels, snapshots and retention with short intervals, an official restore that looks at the replica all the time, and a daemon that is killed."""

import contextlib
import datetime
import json
import os
import random
import re
import subprocess
import time

import harness
import official

SECONDS = int(os.environ.get("LITESTREAM_SOAK_SECONDS", "60"))

CONFIG = harness.SHORT_LEVELS + """\
dbs:
  - path: {db}
    replica:
      url: {url}
"""


def files_of(replica, level):
    """Whole files of a level: (first TXID, last TXID, bytes, milliseconds of the newest transaction), ascending."""
    found = []
    try:
        entries = list(os.scandir(replica / "ltx" / str(level)))
    except FileNotFoundError:
        return found
    for entry in entries:
        if not entry.name.endswith(".ltx"):
            continue
        try:
            info = entry.stat()
        except FileNotFoundError:
            continue
        first, last = entry.name.removesuffix(".ltx").split("-")
        found.append((int(first, 16), int(last, 16), info.st_size, info.st_mtime_ns // 1_000_000))
    return sorted(found)


class LevelsSoakTestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.trouble = self.calm = lambda: None  # called all the time, and at the end
        self.restorer = official.restorer(harness.PROGRAM)
        self.config = self.dir / "litestream.yml"
        self.config.write_text(CONFIG.format(db=self.db, url=harness.url_of(self.replica)))

    def daemon(self):
        return self.start(harness.Replicator([harness.PROGRAM, "replicate", "-config", self.config], self._log("replicate")))

    def restored(self, flags=()):
        """The transaction that a restore ends with. It is always a committed prefix."""
        out, error = self.try_restore(program=self.restorer, flags=flags)
        self.assertIsNotNone(out, error)
        return self.judge(out)["n"]

    def restored_at(self, milliseconds):
        when = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
        return self.restored(["-timestamp", when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"])

    def stays_small_and_restorable(self):
        chance = random.Random(self.seed)
        daemon = self.daemon()
        writer = self.write(seconds=SECONDS, gap="5-60", chaos=True)
        harness.wait_for(lambda: len(files_of(self.replica, 1)) > 1, "level 1")

        begin = time.monotonic()
        next_kill = begin + chance.uniform(8, 16)
        newest, kills, exact, notes, curve = 0, 0, 0, {}, []
        while writer.running():
            self.trouble()
            if time.monotonic() > next_kill:
                daemon.kill()
                daemon = self.daemon()
                kills += 1
                next_kill = time.monotonic() + chance.uniform(8, 16)
            n = self.restored()
            self.assertGreaterEqual(n, newest, "a restore went back")
            newest = n
            levels = [files_of(self.replica, level) for level in range(10)]
            curve.append((round(time.monotonic() - begin), [len(level) for level in levels], sum(size for level in levels for *_, size, _ in level)))
            # What level 1 has is promised for the whole retention: where its files end.
            now = time.time() * 1000
            end = levels[1][-1][3] + 1
            if end not in notes and levels[0][-1][3] >= end:  # the official program refuses times behind the newest file's
                notes[end] = self.restored_at(end)
            inside = [when for when in notes if 3000 < now - when < (harness.RETENTION - 5) * 1000]
            if inside:
                when = chance.choice(inside)
                self.assertEqual(self.restored_at(when), notes[when], f"the state of {when} has changed")
                exact += 1
        summary = writer.summary()
        self.calm()
        daemon.stop()
        self.assertEqual(self.restored(), harness.newest_commit(self.commit_log))

        for when, counts, size in curve[:: max(1, len(curve) // 12)]:
            print(f"{when:5d} s  files by level {counts}  {size // 1024} KiB")
        cut = files_of(self.replica, 0)[-1][1]
        print(f"{newest} transactions in {cut} cuts, {kills} kills, {len(curve)} restores, {exact} of {len(notes)} instants again; {json.dumps(summary)[:200]}")
        self.assertGreater(exact, SECONDS // 10)
        self.assertGreater(kills, 0)
        late = [counts for when, counts, _ in curve if when > SECONDS // 2]
        # Level 0 keeps 3 s behind level 1, and a process that was killed begins to count anew.
        self.assertLess(max(counts[0] for counts in late), 200)
        self.assertLess(max(counts[1] for counts in late), 3 * harness.RETENTION)
        self.assertLess(max(counts[9] for counts in late), 7)

    def complaints(self):
        """What our daemons said about levels and replicas, besides what everybody sees at once."""
        lines = [line for process in self._started if isinstance(process, harness.Replicator) for line in process.complaints()]
        return [line for line in lines if "compaction" in line or "retention" in line or "replica" in line]


class LevelsTestCase(LevelsSoakTestCase):
    def test_stays_small_and_restorable(self):
        self.stays_small_and_restorable()
        self.assertEqual([], self.complaints())


class FullDiskTestCase(LevelsSoakTestCase):
    """The replica's disk is full again and again."""

    SIZE = 24 << 20

    def setUp(self):
        super().setUp()
        self.replica.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE}", "tmpfs", self.replica], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no file system of its own: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.replica], check=True)
        self.full, self.change_at, self.times_full = False, 0.0, 0
        self.dice = random.Random(self.seed + 1)
        self.trouble, self.calm = self.fill_or_empty, self.empty

    def empty(self):
        (self.replica / "ballast").unlink(missing_ok=True)

    def fill_or_empty(self):
        if time.monotonic() < self.change_at:
            return
        ballast = self.replica / "ballast"
        if self.full:
            self.empty()
        else:
            # A bit is left at times: the small objects fit, the large ones do not.
            left = self.dice.choice((0, 0, 4096, 65536))
            with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 65536)
            os.truncate(ballast, max(0, ballast.stat().st_size - left))
            self.times_full += 1
        self.full = not self.full
        self.change_at = time.monotonic() + self.dice.uniform(1, 5)

    def test_stays_small_and_restorable(self):
        self.stays_small_and_restorable()
        self.assertGreater(self.times_full, SECONDS // 20)
        said = {message for line in self.complaints() for message in re.findall(r'msg=("[^"]*"|\S+)', line)}
        print(f"{self.times_full} times full; said: {said}")
        self.assertFalse({line for line in self.complaints() if "replica file lost" in line or "replica stopped" in line})
        self.assertEqual([], [str(path) for path in self.replica.rglob("*.tmp*")])
