"""Every fault of flaky.py at every kind of request. What is committed before the fault gets there without another commit, and nobody has to act.

The classes below make one test of each cell: PutTestCase.test_lose_response and so on. CMakeLists.txt has the same two lists.
"""

import collections
import datetime
import os
import pathlib
import sqlite3
import unittest
import unittest.mock

import gateway as gateways
import harness
from flaky import DELAY, FAULTS
from harness import ours_only, wait_for
from s3case import LONG, S3TestCase, Stopwatch, errors_of

# Promises about time. What happens in them is always asserted; how long it took is printed, and asserted in the long form alone, which
# is for a machine without other work.
HEALED = 1.0  # seconds from a fault that heals by itself to the object
RECOVERED = 10.0  # seconds from the end of an outage to the object
OUTAGE = 30.0 if LONG else 4.0
PART = 5 * 1024 * 1024
# Of one request: what it costs besides the healing.
COST = {"delay": DELAY, "slow-down-after-1": 1.0}
# A single request that is never answered heals when the client gives it up: an outage.
SINGLE = [fault for fault in FAULTS if fault != "blackhole"]
FRESH = [fault for fault in SINGLE if fault != "stale"]  # for requests that are the first of their connection
OUTAGES = ("blackhole", "refuse", "reset-before", "slow-down", "slow-down-after-1", "internal-error")


class FaultTestCase(S3TestCase):
    def setUp(self):
        super().setUp()
        self.proxy = self.fault_proxy(throttle=64 * 1024 if LONG else 1024 * 1024)
        self.space = self.url(self.proxy.port)
        self.direct = self.url()

    def at_rest(self):
        """A replicator whose first commits are in the bucket and that asks for nothing more; the number of the newest commit."""
        newest = self.write_now(count=3)["newest"]
        replicator = self.replicate(self.space)
        self.wait_restorable(newest, source=self.direct)
        return replicator, newest

    def end(self, replicator, newest, errors=True):
        """In order, and nothing is missing."""
        if not errors:
            self.assertEqual([], errors_of(replicator))
        self.stop_in_order(replicator)
        restored = self.restore(self.direct)
        self.judge(restored, exactly=newest)
        self.assert_same_database(self.db, restored)

    def time_of(self, what, bound, since, until=None):
        seconds = (until or harness.time.monotonic()) - since
        print(f"{self.id().rpartition('.')[2]}: {what} after {seconds:.3f} s (promised: {bound:.1f} s)", file=harness.sys.stderr)
        if LONG:
            self.assertLessEqual(seconds, bound, what)

    def fired(self):
        return wait_for(self.proxy.fired, "the fault")[0]


def one_test_each(names, cell):
    """Adds a method test_NAME for every name to a class."""
    def decorate(case):
        for name in names:
            setattr(case, "test_" + name.replace("-", "_"), lambda self, name=name: getattr(self, cell)(name))
        return case
    return decorate


@ours_only
@one_test_each(SINGLE, "heals")
class PutTestCase(FaultTestCase):
    def heals(self, fault):
        replicator, newest = self.at_rest()
        before = len(self.objects())
        self.proxy.fail(fault, "put")
        newest = self.write_now(count=1)["newest"]
        met = self.fired()
        self.wait_objects(before + 1)
        self.time_of("the object is there", HEALED + COST.get(fault, 0), met.at)
        self.wait_restorable(newest, source=self.direct)
        self.end(replicator, newest, errors=False)


class MultipartTestCase(FaultTestCase):
    """The first copy of a database that takes three parts."""

    def setUp(self):
        super().setUp()
        connection = sqlite3.connect(self.db)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE noise(data)")
        connection.executemany("INSERT INTO noise VALUES(?)", [(os.urandom(100_000),) for _ in range(120)])
        connection.commit()
        connection.close()

    def heals_at(self, operation, fault, skip=0):
        self.proxy.fail(fault, operation, skip=skip)
        # One request at a time uses one connection, which a second request then finds stale.
        options = {"part_size": PART, **({"concurrency": 1} if fault == "stale" else {})}
        replicator = self.replicate(self.url(self.proxy.port, **options))
        met = self.fired()
        self.wait_objects(1)
        again = next((asked for asked in self.proxy.asked(operation) if asked.target == met.target and asked.at > met.at), None)
        if again:  # the rest of the time is needed for the content
            self.time_of("the request came again", HEALED + COST.get(fault, 0), met.at, again.at)
        else:
            self.time_of("the object is there", HEALED + COST.get(fault, 0) + (PART / self.proxy.throttle if fault == "throttle" else 0), met.at)
        self.assertEqual([], errors_of(replicator))
        self.stop_in_order(replicator)
        self.assert_same_bytes(self.db, self.restore(self.direct))
        began = collections.Counter(asked.target for asked in self.proxy.asked("create"))
        self.assertEqual({1}, set(began.values()), "a fault at one request made it send all parts again")


@ours_only
@one_test_each(SINGLE, "heals")
class PartTestCase(MultipartTestCase):
    def heals(self, fault):
        self.heals_at("part", fault, skip=1)


@ours_only
@one_test_each(SINGLE, "heals")
class CompleteTestCase(MultipartTestCase):
    def heals(self, fault):
        self.heals_at("complete", fault)


@ours_only
class AbandonedTestCase(MultipartTestCase):
    def test_T66_NothingStaysOfUploadsThatFailed(self):
        self.proxy.fail("internal-error", "part", skip=1, count=None)
        replicator = self.replicate(self.url(self.proxy.port, part_size=PART))
        wait_for(lambda: errors_of(replicator), "the attempts to be used up", harness.HEALING)
        self.proxy.heal()
        self.wait_objects(2)  # the copy, and the transaction behind it
        self.stop_in_order(replicator)
        self.assertGreater(len(self.proxy.asked("create")), 1)
        self.assertEqual([], self.gateway.client.unfinished(self.bucket))
        self.assert_same_bytes(self.db, self.restore(self.direct))


class ReadTestCase(FaultTestCase):
    """A restore of a first copy and some transactions."""

    def heals_at(self, operation, fault, skip):
        newest = self.write_now(count=50, rows=20)["newest"]
        replicator = self.replicate(self.direct)
        self.wait_restorable(newest, source=self.direct)
        for _ in range(3):
            newest = self.write_now(count=1)["newest"]
            self.wait_restorable(newest, source=self.direct)
        self.stop_in_order(replicator)
        for skipped in skip:
            self.proxy.heal()
            known = len(self.proxy.fired())
            self.proxy.fail(fault, operation, skip=skipped)
            restored = self.restore(self.space)
            self.assertEqual(known + 1, len(self.proxy.fired()), f"the fault was not met behind {skipped} requests")
            self.assert_same_database(self.db, restored)
        self.judge(restored, exactly=newest)


@ours_only
@one_test_each(SINGLE, "heals")
class GetTestCase(ReadTestCase):
    def heals(self, fault):
        self.heals_at("get", fault, skip=(0,) if fault == "stale" else (0, 2))


@ours_only
@one_test_each(FRESH, "heals")
class ListTestCase(ReadTestCase):
    """The lists of a restore and of a start go out side by side, each over a connection of its own: none is stale."""

    def heals(self, fault):
        self.heals_at("list", fault, skip=(0,))
        newest = self.write_now(count=1)["newest"]
        known = len(self.proxy.fired())
        self.proxy.fail(fault, "list")
        replicator = self.replicate(self.space)
        met = wait_for(lambda: self.proxy.fired()[known:], "the fault at the start")[0]
        self.wait_restorable(newest, source=self.direct)
        self.time_of("the transaction can be restored", HEALED + COST.get(fault, 0) + 1, met.at)  # a second for the restore itself
        self.end(replicator, newest, errors=False)


@ours_only
@one_test_each(FRESH, "heals")
class DeleteTestCase(FaultTestCase):
    """Through removeObjects, for a replicator deletes when it sees fit. Its connection is always fresh, never stale."""

    def heals(self, fault):
        keys = [f"0000/{n:016x}-{n:016x}.ltx" for n in range(1, 6)]
        for key in (*keys, "kept"):
            self.gateway.client.put(self.bucket, f"db/{key}", b"x")
        self.proxy.fail(fault, "delete")
        self.remove(*keys[:2])
        met = self.fired()
        self.time_of("the objects are gone", HEALED + COST.get(fault, 0), met.at)
        self.remove(*keys)
        self.assertEqual({"db/kept"}, set(self.objects()))

    def remove(self, *keys):
        done = self.run_program(self.space, *keys, program=harness.TOOLS / "removeObjects", env={"LITESTREAM_PLUGIN_PATH": str(harness.BIN / "plugins")})
        self.assertEqual(0, done.returncode, done.stderr)


@ours_only
@one_test_each(OUTAGES, "recovers")
class OutageTestCase(FaultTestCase):
    """Everything fails for a while: half a minute with LITESTREAM_S3_LONG."""

    def begin(self, fault):
        if fault == "refuse":
            self.proxy.refuse()
        else:
            self.proxy.fail(fault, count=None)

    def over(self, fault):
        if fault == "refuse":
            self.proxy.accept()
        else:
            self.proxy.heal()

    def recovers(self, fault):
        replicator, newest = self.at_rest()
        before = len(self.objects())
        self.begin(fault)
        began = Stopwatch(fault)
        newest = self.write_now(count=2, gap="100")["newest"]
        wait_for(lambda: harness.time.monotonic() - began.started > OUTAGE, "the end of the outage", OUTAGE + 10)
        self.assertEqual(before, len(self.objects()))
        self.assertTrue(replicator.running())
        self.over(fault)
        healed = harness.time.monotonic()
        self.wait_objects(before + 1)
        self.time_of("the object is there", RECOVERED, healed)
        self.wait_restorable(newest, source=self.direct)
        self.end(replicator, newest)

    def test_BeginsInAnOutage(self):
        newest = self.write_now(count=2)["newest"]
        self.begin("refuse")
        replicator = self.replicate(self.space)
        wait_for(lambda: errors_of(replicator), "an error")
        self.over("refuse")
        healed = harness.time.monotonic()
        self.wait_objects(1)
        self.time_of("the object is there", RECOVERED, healed)
        self.wait_restorable(newest, source=self.direct)
        self.end(replicator, newest)
        self.assertIn("replica sync recovered", replicator.output())

    def test_OneConnectionDiesSilently(self):
        """Nobody ever tells that it is dead: the client's own deadline ends the wait."""
        replicator, newest = self.at_rest()
        self.proxy.fail("blackhole", "put")
        newest = self.write_now(count=1)["newest"]
        self.wait_restorable(newest, source=self.direct, deadline=120)
        self.end(replicator, newest)


@ours_only
class PatienceTestCase(FaultTestCase):
    def test_ARestoreWaitsForAStoreThatIsAway(self):
        replicator, newest = self.at_rest()
        self.stop_in_order(replicator)
        self.proxy.fail("reset-before", "get", count=None)
        restored = self.dir / "restored.db"
        restore = self.start_program("restore", "-o", restored, self.space)
        # More often than the six attempts of a call.
        wait_for(lambda: max(collections.Counter(asked.target for asked in self.proxy.asked("get")).values(), default=0) > 7 or not restore.running(), "the eighth attempt")
        self.proxy.heal()
        self.assertEqual(0, restore.wait(), restore.output())
        self.judge(restored, exactly=newest)


    def test_ARestoreToATimeOutlivesARetention(self):
        """The oldest file goes between the list and the question how old it is."""
        replicator, newest = self.at_rest()
        self.stop_in_order(replicator)
        files = sorted(self.gateway.client.listing(self.bucket, "db/").items(), key=lambda entry: entry[1][1])
        oldest = "db/0000/0000000000000001-0000000000000001.ltx"  # beside the snapshot of the same state
        self.gateway.client.put(self.bucket, oldest, self.gateway.client.get(self.bucket, files[0][0]))
        self.proxy.fail("delay", "head")
        restored = self.dir / "restored.db"
        when = datetime.datetime.fromtimestamp(files[-1][1][1] + 1, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        restore = self.start_program("restore", "-o", restored, "-timestamp", when, self.space)
        self.fired()
        self.gateway.client.remove(self.bucket, oldest)
        self.assertEqual(0, restore.wait(), restore.output())
        self.judge(restored)


@ours_only
class LateTestCase(FaultTestCase):
    """What a process had on its way when it was killed arrives when the next one has looked, and has given the same TXID to another file."""

    def test_TheNextOneGoesOn(self):
        patch = unittest.mock.patch("flaky.DELAY", 6.0)
        patch.start()
        self.addCleanup(patch.stop)
        replicator, _ = self.at_rest()
        before = self.objects()
        self.proxy.fail("delay", "put")
        self.write_now(count=1)
        late = self.fired()
        replicator.kill()
        newest = self.write_now(count=1)["newest"]
        self.proxy.fail("slow-down", "put", count=None)
        replicator = self.replicate(self.space)
        refused = wait_for(lambda: [asked for asked in self.proxy.fired() if asked.fault == "slow-down"], "a file of the second process")[0]
        self.assertEqual(late.target, refused.target, "not the same TXID")
        self.assertEqual(before, self.objects(), "it came too early to be late")
        self.wait_objects(len(before) + 1)
        self.proxy.heal()
        self.wait_restorable(newest, source=self.direct, deadline=harness.HEALING)
        self.assertIn("arrived late", replicator.output())
        self.assertEqual([], [line for line in errors_of(replicator) if "another writer" in line])
        for _ in range(3):
            newest = self.write_now(count=1)["newest"]
            self.wait_restorable(newest, source=self.direct)
        self.end(replicator, newest)


@ours_only
class GatewayOutageTestCase(FaultTestCase):
    """The real server goes, or hangs, and comes back."""

    def find_gateway(self):
        gateway = gateways.private()
        self.addCleanup(gateways.stop, gateway.dir)
        return gateway

    def recovers(self, begin, over):
        replicator, newest = self.at_rest()
        begin()
        began = Stopwatch("outage")
        newest = self.write_now(count=2, gap="100")["newest"]
        wait_for(lambda: harness.time.monotonic() - began.started > OUTAGE, "the end of the outage", OUTAGE + 10)
        self.assertTrue(replicator.running())
        over()
        healed = harness.time.monotonic()
        self.wait_restorable(newest, source=self.direct)
        self.time_of("the transaction can be restored", RECOVERED, healed)
        self.end(replicator, newest)

    def test_IsKilledAndStartsAgain(self):
        self.recovers(self.gateway.kill, self.gateway.restart)

    def test_HangsAndGoesOn(self):
        self.recovers(self.gateway.pause, self.gateway.resume)


@ours_only
class LongReadTestCase(FaultTestCase):
    def test_T58_ARestoreOutlastsAStoreThatThrottles(self):
        """Longer than the attempts of a single call."""
        replicator, newest = self.at_rest()
        self.stop_in_order(replicator)
        self.proxy.fail("slow-down", "get", count=None)
        out = self.dir / "out" / "patient.db"
        restore = self.start_program("restore", "-o", out, self.space)
        began = wait_for(lambda: self.proxy.asked("get"), "the first read")[0].at
        wait_for(lambda: harness.time.monotonic() - began > (OUTAGE if LONG else 12), "the end of the throttling", pause=0.1)
        self.assertTrue(restore.running(), restore.output())
        self.proxy.heal()
        self.proxy.fail("stale", "get")
        self.proxy.fail("cut", "get")
        self.assertEqual(0, restore.wait(), restore.output())
        self.judge(out, exactly=newest)


class MatrixTestCase(unittest.TestCase):
    def test_CMakeListsNamesEveryCell(self):
        text = (pathlib.Path(__file__).parent / "CMakeLists.txt").read_text()
        for fault in {*SINGLE, *OUTAGES}:
            self.assertRegex(text, rf"\b{fault.replace('-', '_')}\b")
        for case in (name for name in globals() if name.endswith("TestCase") and hasattr(globals()[name], "heals")):
            self.assertRegex(text, rf"request[^)]* {case.removesuffix('TestCase')}\b")
