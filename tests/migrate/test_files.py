"""From a directory to a directory: what is copied, what is not, and what is said about it."""

import json
import random
import shutil
import signal
import subprocess
import time

import harness
from migratecase import PEAK, MigrateTestCase, content_of, files_of


class CopyTestCase(MigrateTestCase):
    def test_EverythingArrivesWithItsTimes(self):
        files = self.make()
        report = self.migrate(self.replica, self.target)
        self.assertEqual(len(files), report["copied"])
        self.assertEqual(content_of(self.replica), content_of(self.target))
        self.assert_official_restores(self.target)

    def test_ASecondRunCopiesNothing(self):
        files = self.make()
        self.migrate(self.replica, self.target)
        before = harness.object_files(self.target)
        report = self.migrate(self.replica, self.target)
        self.assertEqual((0, len(files)), (report["copied"], report["skipped"]))
        self.assertEqual(before, harness.object_files(self.target))

    def test_WhatCameSinceIsCopied(self):
        files = self.make()
        for path in files[40:60]:
            path.rename(path.with_suffix(".tmp"))
        self.migrate(self.replica, self.target)
        for path in files[40:60]:
            path.with_suffix(".tmp").rename(path)
        self.assertEqual(20, self.migrate(self.replica, self.target)["copied"])
        self.assertEqual(content_of(self.replica), content_of(self.target))

    def test_TheOtherFamilyIsRecognised(self):
        """As `aws s3 sync` leaves a bucket in a directory."""
        self.make()
        expected = content_of(self.replica)
        for level in (self.replica / "ltx").iterdir():
            level.rename(self.replica / f"{int(level.name):04x}")
        (self.replica / "ltx").rmdir()
        self.migrate(self.replica, self.target)
        self.assertEqual(expected, content_of(self.target))

    def test_LargeObjectsFitIntoLittleMemory(self):
        self.make(objects=40, size=1_500_000)
        done = subprocess.run(["python3", "-c", PEAK, *self.command("-memory", "16MiB", self.replica, self.target)],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(content_of(self.replica), content_of(self.target))
        self.assert_memory(int(done.stderr.splitlines()[-1]) << 10, 96 << 20)

    def test_NothingIsChangedByADryRun(self):
        files = self.make()
        done = self.run_migrate("-dry-run", "-json", self.replica, self.target)
        self.assertEqual({"copy"}, {deed["action"] for deed in json.loads(done.stdout)})
        self.assertEqual(len(files), len(json.loads(done.stdout)))
        self.assertFalse(self.target.exists())

    def test_NamesOfAConfigurationLeadToReplicas(self):
        self.make()
        config = self.dir / "litestream.yml"
        config.write_text(f"""dbs:
  - path: {self.db}
    replicas:
      - name: old
        url: file://{self.replica}
      - name: new
        url: file://{self.target}
""")
        self.migrate("-config", str(config), f"{self.db}#old", f"{self.db}#new")
        self.assertEqual(content_of(self.replica), content_of(self.target))
        self.run_migrate("-config", str(config), str(self.db), f"{self.db}#new", expect=1)

    def test_EveryReplicaBelowADirectory(self):
        for name in ("a", "b/c", "b/d"):
            self.make(objects=5, replica=self.replica / name, db=self.dir / name.replace("/", "-"), seed=len(name) + ord(name[-1]))
        done = self.run_migrate("-json", "-recursive", self.replica, self.target)
        self.assertEqual(["a", "b/c", "b/d"], [replica["replica"] for replica in json.loads(done.stdout)["replicas"]])
        self.assertEqual(content_of(self.replica), content_of(self.target))
        for name in ("a", "b/c", "b/d"):
            self.assert_official_restores(self.target / name, self.dir / name.replace("/", "-"))

    def test_OneReplicaThatIsRefusedDoesNotStopTheOthers(self):
        for name in ("a", "b", "c"):
            self.make(objects=3, replica=self.replica / name, db=self.dir / name, seed=ord(name))
        self.make(objects=3, replica=self.target / "b", db=self.dir / "other", seed=9)
        before = content_of(self.target / "b")
        done = self.run_migrate("-recursive", self.replica, self.target, expect=1)
        self.assertIn("replica=b", done.stderr)
        self.assertEqual(before, content_of(self.target / "b"))
        for name in ("a", "c"):
            self.assertEqual(content_of(self.replica / name), content_of(self.target / name))

    def test_TheTableNamesWhatWasDone(self):
        self.make(objects=3)
        lines = self.run_migrate(self.replica, self.target).stdout.splitlines()
        self.assertEqual(["replica", "copied", "skipped", "verified", "refused", "failed", "deleted", "size"], lines[0].split())
        self.assertEqual([".", "5", "0"], lines[1].split()[:3])


class RefusalTestCase(MigrateTestCase):
    def test_ADamagedObjectIsNamedAndStaysBehind(self):
        files = self.make()
        damaged = files[30]
        repair = self.damage(damaged)
        done = self.run_migrate("-json", self.replica, self.target, expect=3)
        report = json.loads(done.stdout)["replicas"][0]
        key = str(damaged.relative_to(self.replica))
        self.assertEqual([key], [refused["key"] for refused in report["refused"]])
        self.assertIn("checksum", report["refused"][0]["error"])
        self.assertEqual(1, done.stderr.count("level=ERROR"), done.stderr)
        self.assertEqual(sorted(set(files_of(self.replica)) - {key, key.replace(".ltx", ".whole.tmp")}), files_of(self.target))
        repair()
        self.assertEqual(1, self.migrate(self.replica, self.target)["copied"])
        self.assert_official_restores(self.target)

    def test_NothingOfALargeDamagedObjectArrives(self):
        self.make(objects=40, size=1_500_000)
        large = max(self.replica.rglob("*.ltx"), key=lambda path: path.stat().st_size)
        self.assertGreater(large.stat().st_size, 4 << 20)
        self.damage(large, at=-1)  # in its trailer: all of it has been read by then
        self.run_migrate(self.replica, self.target, expect=3)
        self.assertNotIn(str(large.relative_to(self.replica)), files_of(self.target))
        self.assertEqual([], list(self.target.rglob(".*")))

    def test_ANameThatIsNotItsHeaders(self):
        files = self.make()
        files[5].rename(files[5].with_name(f"{999:016x}-{999:016x}.ltx"))
        report = self.migrate(self.replica, self.target, expect=3)
        self.assertIn("its header says", report["refused"][0]["error"])

    def test_AnotherObjectUnderTheSameNameIsNotReplaced(self):
        files = self.make()
        self.migrate(self.replica, self.target)
        other = self.target / files[10].relative_to(self.replica)
        other.write_bytes(other.read_bytes()[:-1] + b"x")
        before = other.read_bytes()
        report = self.migrate(self.replica, self.target, expect=3)
        self.assertIn("another object", report["refused"][0]["error"])
        self.assertEqual(before, other.read_bytes())

    def test_AnotherDatabasesReplica(self):
        self.make()
        self.make(objects=20, replica=self.target, db=self.dir / "other.db", seed=2)
        before = content_of(self.target)
        done = self.run_migrate("-delete-extra", self.replica, self.target, expect=1)
        self.assertIn("another database's replica", done.stderr)
        self.assertIn("Give this replica a place of its own", done.stderr)
        self.assertEqual(before, content_of(self.target))

    def test_TheSamePlace(self):
        self.make(objects=3)
        (self.dir / "link").symlink_to(self.replica)
        for same in (self.replica, self.dir / "link", f"file://{self.replica}/."):
            self.assertIn("the same place", self.run_migrate(self.replica, same, expect=1).stderr)

    def test_OneInsideTheOther(self):
        self.make(objects=3)
        self.assertIn("inside the other", self.run_migrate("-recursive", self.dir, self.target, expect=1).stderr)

    def test_NothingAtTheSource(self):
        self.make(objects=3)
        self.assertIn("no replica found at the source", self.run_migrate(self.dir / "nothing", self.target, expect=1).stderr)
        self.assertIn("-recursive", self.run_migrate(self.dir, "file:///nonexistent/elsewhere", expect=1).stderr)

    def test_WrongArguments(self):
        for arguments in ([], ["a"], ["-verify", "some", "a", "b"], ["-follow", "-dry-run", "a", "b"], ["-nonsense", "a", "b"]):
            self.run_migrate(*arguments, expect=2)

    def test_WhatIsNoPartOfAReplica(self):
        self.make(objects=3)
        for name in ("notes.txt", "ltx/10/0000000000000001-0000000000000001.ltx", "ltx/0/junk.ltx"):
            (self.replica / name).parent.mkdir(exist_ok=True)
            (self.replica / name).write_text("mine")
        done = self.run_migrate("-json", self.replica, self.target)
        self.assertEqual(3, json.loads(done.stdout)["replicas"][0]["unknown"])
        self.assertIn("notes.txt", done.stderr)
        self.assertEqual(5, len(files_of(self.target)))


class VerifyTestCase(MigrateTestCase):
    def test_FullFindsWhatIsDamagedThere(self):
        files = self.make()
        self.migrate(self.replica, self.target)
        damaged = self.target / files[20].relative_to(self.replica)
        self.damage(damaged)
        self.assertEqual([], self.migrate(self.replica, self.target)["failed"])
        report = self.migrate("-verify", "full", self.replica, self.target, expect=3)
        self.assertEqual([str(files[20].relative_to(self.replica))], [failed["key"] for failed in report["failed"]])

    def test_ModesReadAsMuchAsTheySay(self):
        files = self.make()
        self.assertEqual(0, self.migrate("-verify", "none", self.replica, self.target)["verified"])
        shutil.rmtree(self.target)
        sampled = self.migrate(self.replica, self.target)["verified"]
        self.assertTrue(3 <= sampled < len(files) / 2, sampled)
        shutil.rmtree(self.target)
        self.assertEqual(len(files), self.migrate("-verify", "full", self.replica, self.target)["verified"])


class DeleteExtraTestCase(MigrateTestCase):
    def setUp(self):
        super().setUp()
        self.files = self.make()
        self.migrate(self.replica, self.target)
        (self.target / "notes.txt").write_text("mine")
        self.gone = self.files[3]
        self.gone.unlink()

    def test_OnlyWhenAskedFor(self):
        self.migrate(self.replica, self.target)
        self.assertIn(str(self.gone.relative_to(self.replica)), files_of(self.target))
        self.assertEqual(1, self.migrate("-delete-extra", self.replica, self.target)["deleted"])
        self.assertEqual(sorted(files_of(self.replica) + ["notes.txt"]), files_of(self.target))

    def test_NotWhileSomethingIsRefused(self):
        self.damage(self.files[7])
        (self.target / self.files[7].relative_to(self.replica)).unlink()
        self.assertEqual(0, self.migrate("-delete-extra", self.replica, self.target, expect=3)["deleted"])

    def test_NotWhereSomebodyGoesOn(self):
        newest = self.replica / "ltx" / "0" / f"{60:016x}-{60:016x}.ltx"
        newest.unlink()
        done = self.run_migrate("-delete-extra", self.replica, self.target, expect=1)
        self.assertIn("newer transactions", done.stderr)
        self.assertIn(str(newest.relative_to(self.replica)), files_of(self.target))


class InterruptionTestCase(MigrateTestCase):
    def slow(self):
        return self.command("-json", "-bwlimit", "4MiB", self.replica, self.target)

    def test_KilledAtAnyMoment(self):
        """And whoever restores meanwhile gets the latest state or a refusal, never an old one."""
        files = self.make(objects=300, size=30_000)
        rng = random.Random(self.seed)
        for _ in range(6):
            process = subprocess.Popen(self.slow(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.05, 0.5))  # the moment of the crash
            process.kill()
            process.wait()
            restored, _ = self.try_restore(self.target) if self.target.exists() else (None, None)
            if restored:
                self.assertIsNone(harness.first_difference(self.db, restored))
        present = len(list(self.target.rglob("*.ltx")))
        report = self.migrate(self.replica, self.target)
        self.assertEqual((len(files) - present, present), (report["copied"], report["skipped"]))
        expected = content_of(self.replica)
        self.assertEqual(expected, {name: content for name, content in content_of(self.target).items() if name in expected})
        self.assert_official_restores(self.target)

    def test_ASignalEndsItAtOnce(self):
        self.make(objects=300, size=30_000)
        process = subprocess.Popen(self.slow(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        harness.wait_for(lambda: list(self.target.rglob("*.ltx")), "the first object")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(4, process.returncode)
        self.assertEqual("interrupted", json.loads(output)["result"])

    def test_TheRateIsKept(self):
        self.make(objects=100, size=60_000)
        size = sum(path.stat().st_size for path in self.replica.rglob("*.ltx"))
        begin = time.monotonic()
        self.run_migrate("-bwlimit", "4MiB", "-verify", "none", self.replica, self.target)
        self.assertGreater(time.monotonic() - begin, size / (4 << 20) - 1.1)  # the first second's worth goes at once
