"""Between a directory and a bucket: keys, times, crashes, faults on the line, and the size of real life."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import time

import harness
import official
from migratecase import PEAK, MigrateTestCase, content_of, files_of
from s3case import LONG, S3TestCase


class BucketTestCase(MigrateTestCase, S3TestCase):
    """`self.space` is the destination's URL."""

    def setUp(self):
        super().setUp()
        self.space = self.url()

    def puts(self, bucket=None):
        """Objects that the gateway has stored, by key: how often."""
        counts = {}
        for request in self.gateway.requests(bucket or self.bucket):
            if request.status == 200 and request.operation in ("put", "complete"):
                counts[request.key] = counts.get(request.key, 0) + 1
        return counts


class SpaceTestCase(BucketTestCase):
    def test_ThereAndBack(self):
        files = self.make()
        self.migrate(self.replica, self.space)
        self.assertEqual({f"db/{int(path.parent.name):04x}/{path.name}": path.stat().st_size for path in files}, self.objects())
        self.assert_official_restores(self.space)
        self.migrate(self.space, self.target)
        self.assertEqual(content_of(self.replica), content_of(self.target))

    def test_ASecondRunPutsNothing(self):
        files = self.make()
        proxy = self.fault_proxy()
        self.migrate(self.replica, self.url(proxy.port))
        self.assertEqual(len(files), len(proxy.asked("put")))
        self.assertEqual(len(files), self.migrate(self.replica, self.url(proxy.port))["skipped"])
        self.assertEqual(len(files), len(proxy.asked("put")))

    def test_LargeObjectsGoInParts(self):
        self.make(objects=40, size=1_500_000)
        done = subprocess.run(["python3", "-c", PEAK, *self.command(self.replica, self.space)], capture_output=True, text=True, timeout=120)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_memory(int(done.stderr.splitlines()[-1]) << 10, 96 << 20)
        self.assertGreater(len([request for request in self.gateway.requests(self.bucket) if request.operation == "part"]), 1)
        self.assert_official_restores(self.space)

    def test_NothingOfADamagedObjectArrives(self):
        self.make(objects=40, size=1_500_000)
        large = max(self.replica.rglob("*.ltx"), key=lambda path: path.stat().st_size)
        self.assertGreater(large.stat().st_size, 5 << 20)
        self.damage(large, at=-1)
        self.run_migrate(self.replica, self.space, expect=3)
        self.assertNotIn(large.name, [key.rpartition("/")[2] for key in self.objects("db/0009/")])
        self.assertEqual([], self.gateway.client.unfinished(self.bucket))

    def test_KilledAtAnyMoment(self):
        files = self.make(objects=200, size=20_000)
        rng = random.Random(self.seed)
        for _ in range(4):
            process = subprocess.Popen(self.command(self.replica, self.space), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.1, 0.6))  # the moment of the crash
            process.kill()
            process.wait()
            restored, _ = self.try_restore(self.space, program=official.get("0.5.17"))
            if restored:
                self.assertIsNone(harness.first_difference(self.db, restored))
        self.migrate(self.replica, self.space)
        self.assertEqual(len(files), len(self.objects()))
        self.assertEqual({1}, set(self.puts().values()), "an object travelled twice")
        self.assert_official_restores(self.space)

    def test_GenerationsOfV03(self):
        replicator = self.replicate(program=official.get("0.3.13"))
        newest = self.write_now(count=5, rows=5)["newest"]
        self.wait_restorable(newest, program=official.get("0.3.13"))
        replicator.stop()
        self.migrate(self.replica, self.space)
        self.assertEqual({f"db/{name}" for name in files_of(self.replica)}, set(self.objects()))
        self.assertTrue(self.judge(self.restore(self.space, program=official.get("0.5.17")), exactly=newest))
        self.migrate(self.space, self.target)
        self.assertEqual(content_of(self.replica), content_of(self.target))

    def test_EveryReplicaBelowAPrefix(self):
        for name in ("a", "b/c"):
            self.make(objects=5, replica=self.replica / name, db=self.dir / name.replace("/", "-"))
        self.run_migrate("-recursive", self.replica, self.url(path="all"))
        self.assert_official_restores(self.url(path="all/b/c"), self.dir / "b-c")
        self.run_migrate("-recursive", self.url(path="all"), self.target)
        self.assertEqual(content_of(self.replica), content_of(self.target))

    def test_DeleteExtra(self):
        files = self.make()
        self.migrate(self.replica, self.space)
        self.gateway.client.put(self.bucket, "db/notes.txt", b"mine")
        files[3].unlink()
        self.assertEqual(1, self.migrate("-delete-extra", self.replica, self.space)["deleted"])
        self.assertEqual(len(files), len(self.objects()))
        self.assertIn("db/notes.txt", self.objects())


class FaultTestCase(BucketTestCase):
    """What heals makes no ERROR line."""

    def through(self, *faults, to_bucket=True):
        """Each of the faults happens three times, but a flipped bit only once: an object that is damaged in both of its two readings is refused, and
        three flips may all meet the same one."""
        self.make(objects=40, size=20_000)
        if not to_bucket:
            self.migrate(self.replica, self.space)
        proxy = self.fault_proxy()
        for fault, operation in faults:
            proxy.fail(fault, operation, count=1 if fault == "flip" else 3, skip=2 if operation != "list" else 0)
        url = self.url(proxy.port)
        done = self.run_migrate(*(self.replica, url) if to_bucket else (url, self.target))
        self.assertGreaterEqual(len(proxy.fired()), len(faults))
        self.assertNotIn("level=ERROR", done.stderr)
        if to_bucket:
            self.assert_official_restores(self.space)
        else:
            self.assertEqual(content_of(self.replica), content_of(self.target))

    def test_OfThePut(self):
        self.through(("reset-before", "put"), ("reset-in-request", "put"), ("slow-down", "put"), ("internal-error", "put"))

    def test_OfTheAnswer(self):
        self.through(("lose-response", "put"), ("reset-in-response", "list"), ("cut", "list"))

    def test_OfTheWayBack(self):
        self.through(("flip", "get"), ("cut", "get"), ("reset-in-response", "get"), ("slow-down", "list"), to_bucket=False)

    def test_AnOutage(self):
        self.make(objects=100, size=20_000)
        proxy = self.fault_proxy()
        proxy.fail("reset-before", "put", count=None, skip=10)  # so that it cannot be over before the outage begins
        process = self.start(harness.Process(self.command("-bwlimit", "2MiB", self.replica, self.url(proxy.port)), self._log("migrate")))
        harness.wait_for(proxy.fired, "some objects")
        proxy.refuse()
        proxy.heal()
        harness.wait_for(lambda: "level=WARN" in process.output(), "the outage to be told of", pause=0.2)
        proxy.accept()
        self.assertEqual(0, process.wait())
        self.assertNotIn("level=ERROR", process.output())
        self.assert_official_restores(self.space)

    def test_PatienceComesToAnEnd(self):
        self.make(objects=5)
        proxy = self.fault_proxy()
        proxy.refuse()
        self.run_migrate("-patience", "1s", self.replica, self.url(proxy.port), expect=1)

    def test_AKeyThatMayNotWrite(self):
        self.make(objects=5)
        reader = self.gateway.reader
        os.environ.update(AWS_ACCESS_KEY_ID=reader.access_key, AWS_SECRET_ACCESS_KEY=reader.secret_key)
        self.run_migrate(self.replica, self.space, expect=1)


class LifeSizeTestCase(BucketTestCase):
    """5,000 objects in 2 GiB, killed 20 times; beside `s3cmd sync` of the same tree. The short form is a thousandth of it."""

    def test_AgainstAnOrdinaryCopy(self):
        objects, size = (5000, 430_000) if LONG else (50, 43_000)
        files = self.make(objects=objects, size=size)
        total = sum(path.stat().st_size for path in files)
        begin = time.monotonic()
        done = subprocess.run(["python3", "-c", PEAK, *self.command("-verify", "none", self.replica, self.space)], capture_output=True, text=True, timeout=1800)
        ours = time.monotonic() - begin
        self.assertEqual(0, done.returncode, done.stderr)
        peak = int(done.stderr.splitlines()[-1])
        print(f"migrate: {len(files)} objects, {total / 2**20:.0f} MiB in {ours:.1f} s = {total / 2**20 / ours:.1f} MiB/s, peak RSS {peak / 1024:.1f} MiB", flush=True)
        self.assert_memory(peak << 10, 96 << 20)
        self.assert_official_restores(self.space)
        self.gateway.client.empty(self.bucket)
        if shutil.which("s3cmd"):
            theirs = self.by_s3cmd()
            print(f"s3cmd sync: {theirs:.1f} s = {total / 2**20 / theirs:.1f} MiB/s", flush=True)
            self.gateway.client.empty(self.bucket)

    def by_s3cmd(self):
        config = self.dir / "s3cfg"
        keys = self.gateway.owner
        config.write_text(f"""[default]
access_key = {keys.access_key}
secret_key = {keys.secret_key}
host_base = localhost:{self.gateway.https_port}
host_bucket = localhost:{self.gateway.https_port}
bucket_location = {self.gateway.region}
ca_certs_file = {self.gateway.ca}
use_https = True
progress_meter = False
""")
        begin = time.monotonic()
        done = subprocess.run(["s3cmd", "-c", config, "sync", "--quiet", f"{self.replica}/", f"s3://{self.bucket}/plain/"], capture_output=True,
                              text=True, timeout=3600)
        self.assertEqual(0, done.returncode, done.stderr[-1000:])
        return time.monotonic() - begin

    def test_KilledTwentyTimes(self):
        objects, size = (5000, 430_000) if LONG else (100, 20_000)
        files = self.make(objects=objects, size=size)
        rng = random.Random(self.seed)
        kills = 20 if LONG else 3
        for _ in range(kills):
            process = subprocess.Popen(self.command(self.replica, self.space), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.2, 4.0 if LONG else 0.5))  # the moment of the crash
            self.assertTrue(process.poll() in (None, 0))
            process.kill()
            process.wait()
        self.migrate(self.replica, self.space)
        self.assertEqual({1}, set(self.puts().values()), "an object travelled twice")
        report = self.migrate(self.replica, self.space)
        self.assertEqual((0, len(files)), (report["copied"], report["skipped"]))
        self.assertEqual(len(files), len(self.puts()))
        self.assert_official_restores(self.space)
        self.gateway.client.empty(self.bucket)
