"""Three replicas of one database, of which one is dead for a while: the living ones notice nothing, and the dead one catches up.

LITESTREAM_REPLICAS_SECONDS=600 is the outage as it is in life."""

import collections
import os
import random
import time

import harness
import official
from harness import ours_only, url_of, wait_for
from s3case import S3TestCase

SECONDS = int(os.environ.get("LITESTREAM_REPLICAS_SECONDS", "12"))
RATE = 20  # transactions per second


def resident(pid):
    """Bytes."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


@ours_only
class ReplicasTestCase(S3TestCase):
    def setUp(self):
        super().setUp()
        self.restorer = official.restorer(harness.PROGRAM)
        self.other = self.new_bucket()
        self.proxy = self.fault_proxy()
        self.near, self.far, self.dead = url_of(self.replica), self.url(), self.url(self.proxy.port, bucket=self.other)
        self.third = self.url(bucket=self.other)  # past the proxy

    def follow(self, *urls, top=""):
        config = self.dir / "litestream.yml"
        config.write_text(f"{top}dbs:\n- path: {self.db}\n  replicas:\n" + "".join(f"  - name: r{i}\n    url: {url}\n" for i, url in enumerate(urls)))
        return self.start_program("replicate", "-config", config)

    def wait_all(self, newest, *sources):
        for source in sources:
            self.wait_restorable(newest, source, deadline=harness.HEALING, program=self.restorer)

    def snapshots(self):
        return sorted(key for key in self.objects(bucket=self.other) if "/0009/" in key)

    def newest(self, keys):
        """The newest TXID of level 0."""
        return max((int(key.rpartition("-")[2].split(".")[0], 16) for key in keys), default=0)

    def positions(self):
        """Newest TXIDs at the file replica, at the gateway and at the dead one."""
        return (self.newest(path.name for path in (self.replica / "ltx" / "0").glob("*.ltx")), self.newest(self.objects("db/0000/")),
                self.newest(self.objects("db/0000/", self.other)))

    def commits_missing(self):
        """Commits that a restore of the file replica lacks, by the writer's log."""
        newest = harness.newest_commit(self.commit_log)
        return max(0, newest - self.judge(self.restore(self.near, program=harness.PROGRAM))["n"])

    def outage(self, spool="1GiB"):
        """Two living replicas and one that is away for SECONDS; (replicator, newest transaction)."""
        self.write_now(count=5)
        replicator = self.follow(self.near, self.far, self.dead, top=f"spool-limit: {spool}\n")
        self.wait_all(5, self.near, self.far, self.third)
        self.proxy.refuse()
        began = self.positions()
        puts = len(self.gateway.requests(self.bucket))
        writer = self.write(seconds=SECONDS, rate=RATE, row_bytes=400)
        samples, memory = [], []
        while writer.running():
            missing = self.commits_missing()
            near, far, dead = self.positions()
            self.assertEqual(began[2], dead, "it is not away")
            samples.append((missing, near - far))
            memory.append(resident(replicator.pid))
            time.sleep(max(0.2, SECONDS / 200))  # between two samples
        newest = writer.summary()["newest"]
        self.wait_all(newest, self.near, self.far)
        half = len(samples) // 2
        middle = lambda part, place: sorted(sample[place] for sample in part)[len(part) // 2]
        lags = [[middle(part, place) for part in (samples[:half], samples[half:])] for place in (0, 1)]
        self.say(f"{newest} transactions in {self.positions()[0] - began[0]} cuts, {len(self.gateway.requests(self.bucket)) - puts} requests at the gateway; "
                 f"medians of both halves: commits missing at the file replica {lags[0]}, TXIDs that the gateway lacks {lags[1]}; "
                 f"memory {memory[0] >> 20} ... {memory[-1] >> 20} MiB, {len(samples)} samples")
        for early, late in lags:
            self.assertLess(late, 2 * early + 2 * RATE, "the lag grows")
        self.assert_memory(memory[-1], memory[0] + (48 << 20))
        return replicator, newest

    def say(self, text):
        print(f"{self.id().rpartition('.')[2]}: {text}", file=harness.sys.stderr)

    def revive(self):
        """At the same port, where the configuration expects it."""
        self.proxy.accept()

    def test_ADeadOneCatchesUpWithoutASnapshot(self):
        replicator, newest = self.outage()
        snapshots = self.snapshots()
        before = len(self.gateway.requests(self.other))
        began = time.monotonic()
        self.revive()
        wait_for(lambda: self.positions()[2] == self.positions()[0], "the newest TXID", deadline=harness.HEALING, pause=0.2)
        took = time.monotonic() - began
        wait_for(lambda: "replica sync recovered" in replicator.output(), "the recovery")
        counted = collections.Counter(request.operation for request in self.gateway.requests(self.other)[before:])
        self.say(f"caught up within {took:.1f} s of an outage of {SECONDS} s with {dict(counted)}")
        self.assertEqual(snapshots, self.snapshots())
        self.stop_in_order(replicator)
        for source in (self.near, self.far, self.third):
            self.assertEqual(newest, self.judge(self.restore(source, program=self.restorer))["n"])

    def test_BeyondTheSpoolItGetsASnapshot(self):
        replicator, newest = self.outage(spool="64KiB")
        self.assertIn("replica needs a new snapshot", replicator.output())
        snapshots = self.snapshots()
        self.revive()
        self.wait_all(newest, self.third)
        self.assertGreater(len(self.snapshots()), len(snapshots))
        newest = self.write_now(count=20)["newest"]
        self.wait_all(newest, self.near, self.far, self.third)
        self.stop_in_order(replicator)

    def test_KilledWhileOneIsAway(self):
        chance = random.Random(self.seed)
        self.write_now(count=5)
        urls = (self.near, self.far, self.dead)
        replicator = self.follow(*urls)
        self.wait_all(5, self.near, self.far, self.third)
        self.proxy.refuse()
        writer = self.write(seconds=SECONDS, rate=RATE)
        end = time.monotonic() + SECONDS
        kills = 0
        while time.monotonic() < end:
            time.sleep(chance.uniform(1, 3))
            replicator.kill()
            replicator = self.follow(*urls)
            kills += 1
        newest = writer.summary()["newest"]
        self.wait_all(newest, self.near, self.far)
        self.revive()
        self.wait_all(newest, self.third)
        self.say(f"{kills} kills, {newest} transactions")
        self.stop_in_order(replicator)

    def test_AForeignWriterStopsOneReplicaOnly(self):
        newest = self.write_now(count=5)["newest"]
        replicator = self.follow(self.near, self.far)
        self.wait_all(newest, self.near, self.far)
        # Somebody puts what would be our next object.
        keys = sorted(key for key in self.objects() if "/0000/" in key)
        content = self.gateway.client.get(self.bucket, keys[-1])
        following = int(keys[-1].rpartition("-")[2].split(".")[0], 16) + 1
        self.gateway.client.put(self.bucket, f"db/0000/{following:016x}-{following:016x}.ltx", content)
        newest = self.write_now(count=5)["newest"]
        wait_for(lambda: "replica stopped: another writer uses it" in replicator.output(), "the stop")
        self.wait_all(newest, self.near)
        newest = self.write_now(count=50, gap="20")["newest"]
        self.wait_all(newest, self.near)
        self.assertEqual(1, replicator.stop(), "somebody has to know")
        self.assertIn("r1 is stopped", replicator.output())

    def test_ANewReplicaOfAnOldDatabaseWhileItIsWritten(self):
        self.write_now(count=200)
        replicator = self.follow(self.near)
        self.wait_all(200, self.near)
        self.stop_in_order(replicator)
        writer = self.write(seconds=8, rate=50)
        replicator = self.follow(self.near, self.far, self.third)
        summary = writer.summary()
        self.assertEqual(0, summary["errors"])
        self.wait_all(summary["newest"], self.near, self.far, self.third)
        self.stop_in_order(replicator)

    def test_AReplicaThatWasLeftOutForAWhile(self):
        newest = self.write_now(count=20)["newest"]
        replicator = self.follow(self.near, self.far)
        self.wait_all(newest, self.near, self.far)
        self.stop_in_order(replicator)
        replicator = self.follow(self.near)
        for _ in range(3):
            newest = self.write_now(count=20)["newest"]
            self.wait_all(newest, self.near)
        self.stop_in_order(replicator)
        writer = self.write(seconds=4, rate=50)
        replicator = self.follow(self.near, self.far)
        newest = writer.summary()["newest"]
        self.wait_all(newest, self.near, self.far)
        self.stop_in_order(replicator)
        for source in (self.near, self.far):
            self.assertEqual(newest, self.judge(self.restore(source, program=self.restorer))["n"])
