"""kill -9 at random moments, again and again. LITESTREAM_CRASH_ROUNDS sets how often, LITESTREAM_TEST_SEED repeats the dice."""

import collections
import os
import random
import threading

import harness
from harness import TestCase

ROUNDS = int(os.environ.get("LITESTREAM_CRASH_ROUNDS") or 20)


class Restorer(threading.Thread):
    """Restores and judges without end, beside whatever happens. The first wrong restore is kept in `problem`."""

    def __init__(self, test):
        super().__init__(daemon=True)
        self.test = test
        self.stopping = threading.Event()
        self.restores = 0
        self.refused = 0
        self.problem = None
        self.newest = 0

    def run(self):
        while not self.stopping.is_set():
            out, error = self.test.try_restore(name="during.db")
            if out is None:
                self.refused += 1
                self.stopping.wait(0.05)
                continue
            try:
                # Read after the restore: whatever it holds must have been logged by now, but for what was killed in flight.
                verdict = self.test.judge(out, log=self.test.commit_log, in_flight=self.test.killed_commits + 4)
                if verdict["n"] < self.newest:
                    raise AssertionError(f"a restore went back from transaction {self.newest} to {verdict['n']}")
                self.newest = verdict["n"]
            except AssertionError as problem:
                self.problem = self.problem or problem
                return
            self.restores += 1

    def finish(self):
        self.stopping.set()
        self.join(300)


class CrashTestCase(TestCase):
    def setUp(self):
        super().setUp()
        self.dice = random.Random(self.seed)
        self.killed_commits = 0
        self.causes = collections.Counter()
        self.pages = 0

    def count_reconciles(self, replicator):
        for attributes in replicator.reconciles():
            self.causes[attributes.get("cause", "?")] += 1
            self.pages += int(attributes.get("pages", "0").strip('"') or 0)

    def report(self, restorer, kills):
        print(f"{self.id()}: seed {self.seed}, {kills} kills, {restorer.restores} restores right, {restorer.refused} refused, "
              f"{sum(self.causes.values())} reconciles of {self.pages} pages: {dict(self.causes)}", flush=True)

    def crash(self, writer_options, kill_writer=False):
        self.write_now(count=10, **writer_options)
        replicator = self.replicate()
        self.wait_restorable(10)
        writer = self.write(seconds=3600, **writer_options)
        restorer = Restorer(self)
        restorer.start()
        pauses = threading.Event()
        for _ in range(ROUNDS):
            pauses.wait(self.dice.uniform(0.05, 1.0))
            if kill_writer and self.dice.random() < 0.5:
                writer.kill()
                self.killed_commits += writer_options.get("processes", 1)
                writer = self.write(seconds=3600, **writer_options)
            else:
                replicator.kill()
                self.count_reconciles(replicator)
                pauses.wait(self.dice.choice([0, 0, 0.005, 0.05, 0.3]))
                replicator = self.replicate()
            self.assertIsNone(restorer.problem, f"seed {self.seed}")
            self.assertTrue(writer.running(), writer.output())
        writer.stop()
        # The database says what the newest transaction is: a writer that was killed may not have logged its last one.
        self.wait_restores_to(harness.dump_of(self.db), deadline=120)
        restorer.finish()
        self.count_reconciles(replicator)
        self.report(restorer, ROUNDS)
        self.assertIsNone(restorer.problem, f"seed {self.seed}")
        self.assertGreater(restorer.restores, 0)
        self.assertEqual(0, replicator.stop())
        if not (os.environ.get("LITESTREAM_UNDER_TEST") and harness.is_official()):
            self.assert_same_bytes(self.db, self.restore())

    def test_KillsOfTheReplicatorUnderLoad(self):
        self.crash({"rows": 10, "gap": "0-4"})

    def test_KillsOfTheReplicatorUnderChaos(self):
        self.crash({"rows": 3, "gap": "0-4", "processes": 2, "chaos": True})

    def test_KillsOfTheReplicatorWithATinyAutocheckpoint(self):
        self.crash({"rows": 5, "gap": "0-4", "autocheckpoint": 10})

    def test_KillsOfWritersAndReplicator(self):
        self.crash({"rows": 3, "gap": "0-4", "processes": 2, "chaos": True}, kill_writer=True)
