"""Everything at once, on a real S3 server: short levels, snapshots and retention, a chaotic writer, a proxy whose faults change all the time, a daemon that is killed every few
seconds, an official v0.5.17 that takes over in between, restores by both all the time, and a witness (witness.py) that judges every change.

LITESTREAM_SOAK_SECONDS=900 makes the long run.
"""

import collections
import datetime
import os
import random
import re
import sys
import threading
import time

import harness
import official
from flaky import FAULTS
from harness import L0_RETENTION, PROGRAM, RETENTION, ours_only, wait_for
from s3case import S3TestCase
from witness import Witness

SECONDS = int(os.environ.get("LITESTREAM_SOAK_SECONDS", "60"))
HAND_OVERS = max(1, SECONDS // 90)

CONFIG = harness.SHORT_LEVELS + """\
dbs:
  - path: {db}
    replicas:
      - type: s3
        bucket: {bucket}
        path: db
        endpoint: https://localhost:{port}
        region: {region}
"""


class Weather:
    """The faults of a proxy, another one every moment. start() and stop() from one thread."""

    def __init__(self, proxy, chance):
        self.proxy, self.chance = proxy, chance
        self.met = collections.Counter()
        self._wake = threading.Event()
        self._thread = None

    def start(self):
        self._wake.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        """All is well when it returns."""
        if self._thread:
            self._wake.set()
            self._thread.join()
            self._thread = None

    def _run(self):
        while not self._wake.is_set():
            fault = self.chance.choice((*FAULTS, "refuse", "calm", "calm", "calm"))
            self.met[fault] += 1
            if fault == "refuse":
                self.proxy.refuse()
            elif fault != "calm":
                operation = self.chance.choice(("any", "any", "put", "get", "list", "delete"))
                # What is damaged whenever it is read counts as lost, rightly.
                count = 1 if fault == "flip" else self.chance.choice((1, 2, 5, None))
                self.proxy.fail(fault, operation, count=count, skip=self.chance.choice((0, 0, 1, 3)))
            self._wake.wait(self.chance.uniform(0.3, 2.5))
            self.proxy.heal()
            if fault == "refuse":
                self.proxy.accept()


@ours_only
class SoakTestCase(S3TestCase):
    def setUp(self):
        super().setUp()
        self.theirs = official.get("0.5.17")
        self.chance = random.Random(self.seed)
        self.witness = Witness(self.gateway.client, self.bucket, "db/", RETENTION, L0_RETENTION)
        self.proxy = self.fault_proxy(witness=self.witness)
        self.plain = self.fault_proxy(witness=self.witness)  # for the official daemon: without faults, but seen
        self.weather = Weather(self.proxy, random.Random(self.seed + 1))
        self.direct, self.stormy = self.url(), self.url(self.proxy.port)
        self.newest, self.notes = 0, {}
        self.counts = collections.Counter()

    def config(self, name, port):
        path = self.dir / name
        path.write_text(CONFIG.format(db=self.db, bucket=self.bucket, port=port, region=self.gateway.region))
        return path

    def daemon(self):
        return self.start_program("replicate", "-log-level", "debug", "-config", self.config("ours.yml", self.proxy.port))

    # -- restores ----------------------------------------------------------------------------------------------------------------------

    def restored(self, program, source, flags=()):
        """The transaction that a restore ends with, which is always a committed prefix. A restore that took longer than level 0 is kept may miss a file
        that it had planned to read, and begins again; so does one beside the official daemon, which looks at the age of a file alone and takes it in the moment
        in which level 1 covers it; so does one that listed the snapshots before the one came that bridges a hole, and level 0 after it."""
        while True:
            began = time.monotonic()
            out, error = self.try_restore(source, program=program, flags=flags)
            if out:
                return self.judge(out)["n"]
            if re.search("(?i)non-contiguous|hole|gap", error) and self.counts["restores before a bridge"] < self.bridges():
                self.counts["restores before a bridge"] += 1
                continue
            if self.witness.ours:
                self.assertGreater(time.monotonic() - began, L0_RETENTION, f"{program} {flags}: {error}")
            self.assertRegex(error, "(?i)NoSuchKey|not found|does not exist|no matching")
            self.counts["restores overtaken by the retention"] += 1

    def bridges(self):
        """Snapshots that our daemons made because of a hole."""
        return sum("replica needs a new snapshot" in line for line in self.complaints())

    def restore_newest(self, program, source):
        n = self.restored(program, source)
        self.assertGreaterEqual(n, self.newest, f"a restore with {program} went back")
        self.newest = n
        self.counts[f"restores of the newest state, {'ours' if program == PROGRAM else 'official'}{', in the weather' if source == self.stormy else ''}"] += 1

    def restored_at(self, program, source, milliseconds):
        when = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
        return self.restored(program, source, ["-timestamp", when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"])

    def note_and_compare(self):
        """Notes the state behind the newest file of level 1, and restores an older one again."""
        ends = self.witness.promised()
        levels = [self.witness.of_level(level) for level in range(2)]
        if ends and levels[0]:
            txid = max(ends)
            when = ends[txid] + 1
            if txid not in self.notes and max(file.time for file in levels[0]) >= when:  # the official program refuses times behind the newest file's
                self.notes[txid] = (when, self.restored_at(self.theirs, self.direct, when))
        ends = self.witness.promised(youngest=3, oldest=RETENTION - 8)
        known = [txid for txid in self.notes if txid in ends]
        if known:
            txid = self.chance.choice(known)
            when, n = self.notes[txid]
            stormy = self.chance.random() < 0.2
            program, source = (PROGRAM, self.stormy) if stormy else (self.chance.choice((PROGRAM, self.theirs, self.theirs)), self.direct)
            found = self.restored_at(program, source, when)
            if txid in self.witness.promised(oldest=RETENTION):  # else it took too long
                self.assertEqual(n, found, f"the state {txid:x} of {when} has changed")
                self.counts["instants again"] += 1

    def look_around(self):
        self.restore_newest(self.theirs, self.direct)
        self.note_and_compare()
        if self.chance.random() < 0.3:
            self.restore_newest(PROGRAM, self.chance.choice((self.direct, self.stormy)))
        self.assertEqual([], self.witness.problems())

    # -- hand-overs --------------------------------------------------------------------------------------------------------------------

    def end(self, daemon, politely):
        self.assertTrue(daemon.running(), f"it ended by itself: {daemon.output()[-2000:]}")
        if politely:
            self.assertEqual(0, daemon.stop(), daemon.output()[-2000:])
        else:
            daemon.kill()

    def hand_over(self, daemon, turn):
        """To the official program and back, under the running writer; the new daemon."""
        self.weather.stop()
        self.end(daemon, politely=turn % 2 == 0)
        ends = [max(key.rpartition("-")[2] for key in self.objects(f"db/{level}/")) for level in ("0000", "0009")]
        if ends[0] < ends[1]:  # killed between a snapshot and the file beside it: see decision 5
            daemon = self.daemon()
            wait_for(lambda: "replicating to" in daemon.output(), "its start")
            self.end(daemon, politely=True)
        self.both_restore()
        self.witness.ours = self.witness.orderly = False
        other = self.start_program("replicate", "-config", self.config("theirs.yml", self.plain.port), program=self.theirs)
        self.reach(harness.newest_commit(self.commit_log) + 20)
        for _ in range(self.chance.randrange(1, 5)):
            self.restore_newest(self.chance.choice((PROGRAM, self.theirs)), self.direct)
        self.end(other, politely=turn % 4 < 2)
        self.both_restore()
        self.witness.ours = True
        daemon = self.daemon()
        self.reach(harness.newest_commit(self.commit_log) + 20)
        self.witness.orderly = True
        self.weather.start()
        self.counts["hand-overs"] += 1
        return daemon

    def reach(self, n):
        wait_for(lambda: self.restore_newest(self.theirs, self.direct) or self.newest >= n, f"transaction {n}", harness.HEALING, pause=0.1)

    def both_restore(self):
        """While nobody replicates: the same database. A file that a killed process had on its way may still come, so a TXID is named; of whichever level, for
        either program may have been killed between a snapshot and the level-0 file beside it."""
        flags = ["-txid", max(key[-20:-4] for key in self.objects())]
        mine, other = (self.restore(self.direct, program=program, name=name, flags=flags) for program, name in ((PROGRAM, "mine.db"), (self.theirs, "theirs.db")))
        n = self.judge(mine)["n"]
        self.assertGreaterEqual(n, self.newest)
        self.newest = n
        self.assertEqual(harness.first_difference(mine, other), None)

    # -- the run -----------------------------------------------------------------------------------------------------------------------

    def test_EverythingAtOnce(self):
        try:
            self.run_all()
        finally:
            self.weather.stop()
            self.witness.stop()
            self.report()
        self.assertEqual([], self.witness.problems())
        self.assertEqual([], [line for line in self.complaints() if "replica stopped" in line or "replica file lost" in line])
        self.judge_size()

    def run_all(self):
        daemon = self.daemon()
        self.witness.start()
        writer = self.write(seconds=SECONDS, gap="5-60", chaos=True)
        wait_for(lambda: len(self.witness.of_level(1)) > 1, "level 1")
        self.weather.start()
        begin = time.monotonic()
        turns = sorted(self.chance.uniform(5, SECONDS - 20) for _ in range(HAND_OVERS))
        next_kill = begin + self.chance.uniform(4, 12)
        while writer.running():
            now = time.monotonic()
            if turns and now - begin > turns[0]:
                turns.pop(0)
                daemon = self.hand_over(daemon, self.counts["hand-overs"])
            elif now > next_kill:
                self.assertTrue(daemon.running(), f"it ended by itself: {daemon.output()[-2000:]}")
                daemon.kill()
                daemon = self.daemon()
                self.counts["kills"] += 1
                next_kill = time.monotonic() + self.chance.uniform(4, 12)
            self.look_around()
        self.assertEqual(0, writer.summary()["errors"])
        self.weather.stop()
        self.stop_in_order(daemon)
        self.both_restore()
        self.assertEqual(harness.newest_commit(self.commit_log), self.newest)
        self.assert_same_database(self.db, self.restore(self.direct, program=self.theirs))

    def complaints(self):
        return [line for process in self._started if isinstance(process, harness.Replicator) and process.arguments[0] == PROGRAM for line in process.complaints()]

    def report(self):
        say = lambda text: print(text, file=sys.stderr)
        say(f"seed {self.seed}: {SECONDS} s, {self.newest} transactions")
        say(f"counts {dict(self.counts)}, notes {len(self.notes)}")
        say(f"witness: {len(self.witness.curve)} looks, {self.witness.deletions} deletions, {self.witness.judged} states judged, "
            f"{len(self.witness.given_up)} states that the official program gave up")
        say(f"faults met {len(self.proxy.fired())}: {dict(collections.Counter(asked.fault for asked in self.proxy.fired()))}")
        asked = collections.Counter(asked.operation for asked in self.proxy.asked())
        say(f"requests through the proxy: {dict(asked)}")
        messages = collections.Counter(match for line in self.complaints() for match in re.findall(r'msg=("[^"]*"|\S+)', line))
        say(f"warnings and errors: {dict(messages)}")
        for when, counts, sizes in self.witness.curve[::max(1, len(self.witness.curve) // 30)]:
            say(f"{when:6.0f} s  files by level {counts}  KiB by level {[size // 1024 for size in sizes]}  {sum(sizes) // 1024} KiB")

    def judge_size(self):
        late = [(counts, sizes) for when, counts, sizes in self.witness.curve if when > SECONDS // 2]
        self.assertLess(max(sum(counts) for counts, _ in late), 500)
        self.assertLess(max(sum(sizes) for _, sizes in late), 200 << 20)
        self.assertLess(max(counts[9] for counts, _ in late), 9)
