"""Every request costs money: they are counted in the gateway's own log."""

import collections
import time

import harness
from harness import ours_only, wait_for
from s3case import LONG, S3TestCase

STEADY = 60 if LONG else 10  # seconds of one transaction per second
IDLE = 600 if LONG else 20  # seconds without any
PAGE = 1000  # keys in one answer to LIST


@ours_only
class RequestsTestCase(S3TestCase):
    def counted(self):
        return collections.Counter(request.operation for request in self.gateway.requests(self.bucket)[1:])  # without the bucket's making

    def started(self, **options):
        """(replicator at rest, number of its newest transaction)"""
        newest = self.write_now(count=5)["newest"]
        replicator = self.replicate(self.url(**options))
        self.wait_objects(1)
        self.wait_quiet()
        return replicator, newest

    def wait_quiet(self, seconds=2.0):
        """Until nothing was asked for that long. Says nothing about how long it takes."""
        last = [len(self.gateway.requests(self.bucket)), time.monotonic()]

        def quiet():
            count = len(self.gateway.requests(self.bucket))
            if count != last[0]:
                last[:] = [count, time.monotonic()]
            return time.monotonic() - last[1] > seconds
        wait_for(quiet, "an end of the requests", pause=0.1)

    def report(self, what, counter):
        print(f"{self.id().rpartition('.')[2]}: {what}: {dict(counter)}", file=harness.sys.stderr)

    def test_TheStartOfANewReplica(self):
        newest = self.write_now(count=5)["newest"]
        replicator = self.replicate(self.url())
        wait_for(lambda: [request for request in self.gateway.requests(self.bucket) if request.operation == "put"], "the first object")
        replicator.stop()
        counted = self.counted()
        self.report("requests", counted)
        self.assertLessEqual(sum(counted.values()), 12)
        self.assertEqual(newest, self.judge(self.restore(self.url()))["n"])

    def test_AnUnfinishedUploadOfToday(self):
        """It may be another process's: only old ones are swept, by a process that has put a long object itself."""
        key = "db/0009/0000000000000001-00000000000000ff.ltx"
        self.gateway.client.request("POST", self.bucket, key, query={"uploads": ""})
        self.write_now(count=30, rows=20, row_bytes=20_000)
        replicator = self.replicate(self.url(), flags=["-log-level", "debug"])
        wait_for(lambda: self.counted()["list-uploads"], "the list of unfinished uploads")
        replicator.stop()
        self.assertEqual(0, self.counted()["abort"])
        self.assertEqual([key], self.gateway.client.unfinished(self.bucket))
        self.assertNotIn("unfinished uploads", replicator.output())

    def test_OneTransactionPerSecond(self):
        replicator, _ = self.started()
        before = self.counted()
        summary = self.write_now(seconds=STEADY, rows=1, gap="1000")
        replicator.stop()
        counted = self.counted() - before
        self.report(f"{STEADY} s of one transaction per second", counted)
        self.assertLessEqual(counted["put"], STEADY + 2)
        self.assertEqual({"put"}, set(counted), "something besides the uploads")
        self.assertEqual(summary["newest"], self.judge(self.restore(self.url()))["n"])

    def test_T54_AnIdleDatabase(self):
        replicator, _ = self.started()
        before = self.counted()
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > IDLE, "the idle time", IDLE + 10, pause=0.5)
        self.report(f"{IDLE} s idle", self.counted() - before)
        self.assertEqual(before, self.counted())
        self.assertTrue(replicator.running())

    def test_ARestoreOfManyObjects(self):
        """One first copy and 600 level-0 objects, read over at most eight connections."""
        count = 600
        replicator, _ = self.started()
        replicator.stop()
        config = self.dir / "litestream.ini"
        config.write_text(harness.ini_of({self.db: [self.url()]}) + "sync-interval = 1ms\n")
        replicator = self.start_program("replicate", "-config", config)
        newest = 0
        while len(self.objects()) <= count:
            newest = self.write_now(count=200, rows=1, gap="3")["newest"]
        replicator.stop()
        proxy = self.fault_proxy()
        before = self.counted()
        restored = self.restore(self.url(proxy.port))
        counted = self.counted() - before
        self.report(f"restore of {len(self.objects())} objects over at most {proxy.peak()} connections, {proxy.opened()} in all", counted)
        self.assertEqual(newest, self.judge(restored)["n"])
        self.assertLessEqual(proxy.peak(), 8)
        self.assertEqual(set(), set(counted) - {"list", "get"})
        lists = collections.Counter(asked.target for asked in proxy.asked("list"))
        self.assertEqual(1, max(lists.values()), lists)  # no page of any level twice
        self.assertLessEqual(counted["list"], 10 * (1 + len(self.objects()) // PAGE), lists)
