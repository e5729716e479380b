"""Everything that the DigitalOcean Spaces guide prints works, literally; and means the same in each of its forms."""

import json
import pathlib
import stat
import subprocess
import unittest

import harness
import official
from guide import BLOCK_1, BLOCK_2, BLOCK_3, GLOBAL_KEYS, REPLICA_KEYS, SPACE, URL, GuideTestCase, deeper, leaks, with_colons
from gateway import Keys
from harness import ours_only, wait_for
from s3case import LONG, Stopwatch, errors_of


@ours_only
class CommandTestCase(GuideTestCase):
    def test_S1_Replicates(self):
        self.give_keys(self.gateway.owner)
        before = len(self.gateway.requests(SPACE))  # other tests have had the Space
        output = self.replicate_all(self.db, URL)
        asked = self.proxy.asked()
        self.assertEqual("list", asked[0].operation, asked[0].target)
        self.assertEqual({"nyc3.digitaloceanspaces.com"}, {one.host for one in asked})
        self.assertFalse([one for one in asked if f"/{SPACE}/db/" not in one.target and one.operation not in ("list", "delete")])
        self.assertFalse([one for one in asked if one.operation in ("head", "other")], "a lookup that nobody asked for")
        self.assertEqual({"nyc3/s3/aws4_request"}, {one.scope for one in asked})
        self.assertEqual(set(), {request.status for request in self.gateway.requests(SPACE)[before:] if request.user == "-"}, "a signature was refused")
        self.assertTrue(all(key.startswith("db/") for key in self.objects("", SPACE)))
        for attribute in (f"bucket={SPACE}", "path=db", "region=nyc3", "endpoint=https://nyc3.digitaloceanspaces.com"):
            self.assertRegex(output, rf'msg="replicating to" .*{attribute}( |$|\n)')

    def test_S1_ReplicatesToALowerCaseSpaceAsAVirtualHost(self):
        self.give_keys(self.gateway.owner)
        space = f"s3://{self.bucket}.nyc3.digitaloceanspaces.com/db"
        replicator = self.start_program("replicate", self.db, space)
        newest = self.write_now(count=3)["newest"]
        self.wait_restorable(newest, source=space)
        self.stop_in_order(replicator)
        self.assertEqual({f"{self.bucket}.nyc3.digitaloceanspaces.com"}, {asked.host for asked in self.proxy.asked()})
        self.assert_equals_source(self.restored(space))

    def test_S1_AnyRegionWorks(self):
        self.give_keys(self.gateway.owner)
        space = f"s3://{self.bucket}.fra1.digitaloceanspaces.com/db"
        replicator = self.start_program("replicate", self.db, space)
        newest = self.write_now(count=3)["newest"]
        self.wait_restorable(newest, source=space)
        self.stop_in_order(replicator)
        self.assertEqual({"fra1/s3/aws4_request"}, {asked.scope for asked in self.proxy.asked()})

    def test_S1_WaitsForADatabaseThatDoesNotExistYet(self):
        self.give_keys(self.gateway.owner)
        replicator = self.start_program("replicate", self.db, URL)
        wait_for(lambda: "initialized db" in replicator.output(), "the start")
        newest = self.write_now(count=5)["newest"]
        self.wait_arrived(newest)
        self.stop_in_order(replicator)

    def test_S2_Restores(self):
        self.give_keys(self.gateway.owner)
        self.replicate_all(self.db, URL)
        mine = self.restored(URL)
        self.assert_equals_source(mine)
        self.assertEqual(0o600, stat.S_IMODE(mine.stat().st_mode))
        again = self.run_program("restore", "-o", "my.db", URL, cwd=mine.parent)
        self.assertEqual(1, again.returncode)
        self.assertIn("already exists", again.stderr)

    def test_S2_RestoresWhileAnotherReplicates(self):
        self.give_keys(self.gateway.owner)
        self.start_program("replicate", self.db, URL)
        newest = self.write_now(count=20)["newest"]
        self.wait_arrived(newest)
        self.judge(self.restored(URL), exactly=newest)

    def test_S2_RefusesAnEmptyPrefix(self):
        self.give_keys(self.gateway.owner)
        done = self.run_program("restore", "-o", "my.db", URL)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, "no matching backup")
        self.assertFalse((self.dir / "my.db").exists())

    def test_S9_EveryCommandHasHelpAndRefusesUnknownFlags(self):
        overview = self.run_program("-h")
        self.assertEqual(0, overview.returncode)
        commands = [command for command in ("databases", "ltx", "plugins", "replicate", "reset", "restore", "status", "version")]
        for command in commands:
            with self.subTest(command=command):
                self.assertIn(command, overview.stdout)
                shown = self.run_program(command, "-h")
                self.assertEqual((0, ""), (shown.returncode, shown.stderr))
                self.assertIn(f"litestream {command}", shown.stdout)
                refused = self.run_program(command, "-no-such-flag")
                self.assertEqual(1, refused.returncode)
                self.assertIn("flag provided but not defined: -no-such-flag", refused.stderr)


@ours_only
class FileTestCase(GuideTestCase):
    """Each printed file replicates and restores; the same data can be had by any other form, and by the official program."""

    def replicates_and_restores(self, text, warnings):
        config = self.config(text)
        output = self.replicate_all("-config", config)
        self.assert_equals_source(self.restored("-config", config, self.db))
        self.assertFalse(leaks(output), output)
        self.assertFalse([asked.target for asked in self.proxy.asked() if leaks(asked.target)])
        self.assertFalse([key for key in self.objects("", SPACE) if not key.startswith("db/")])
        warned = [line for line in output.splitlines() if "level=WARN" in line and "key" in line]
        self.assertEqual(warnings, len(warned), warned)
        return sorted({(asked.operation, asked.method) for asked in self.proxy.asked()})

    def test_S3_GlobalKeys(self):
        for keys, text in (("printed", BLOCK_1), ("with plus and slash", self.own_keys(BLOCK_1, GLOBAL_KEYS))):
            with self.subTest(keys=keys):
                self.replicates_and_restores(text, warnings=2)

    def test_S3_GlobalKeysWithColonsAskTheSame(self):
        colons = self.replicates_and_restores(with_colons(BLOCK_1), warnings=0)
        self.gateway.client.empty(SPACE)
        for path in self.dir.glob(".app.db-litestream*"):
            harness.shutil.rmtree(path)
        self.db.unlink()
        self.assertEqual(colons, self.replicates_and_restores(BLOCK_1, warnings=2))

    def test_S3_GlobalKeysBeatTheEnvironment(self):
        self.give_keys(Keys("NOSUCHKEY", "wrong"))
        self.replicates_and_restores(BLOCK_1, warnings=2)

    def test_S4_SeparateFields(self):
        self.give_keys(self.gateway.owner)
        self.replicates_and_restores(BLOCK_2, warnings=0)
        self.assertEqual({"nyc3.digitaloceanspaces.com"}, {asked.host for asked in self.proxy.asked()})

    def test_S5_KeysOfTheReplica(self):
        for keys, text in (("printed", BLOCK_3), ("with plus and slash", self.own_keys(BLOCK_3, REPLICA_KEYS))):
            with self.subTest(keys=keys):
                self.replicates_and_restores(text, warnings=2)

    def test_S5_KeysOfTheReplicaIndentedDeeper(self):
        self.replicates_and_restores(deeper(BLOCK_3), warnings=2)

    def test_S5_KeysOfTheReplicaBeatAllOthers(self):
        self.give_keys(Keys("NOSUCHKEY", "wrong"))
        self.replicates_and_restores("access-key-id: NOSUCHKEY2\nsecret-access-key: wrong2\n" + BLOCK_3, warnings=2)

    def test_S5_WarningsNameTheLineAndNeverTheValue(self):
        done = self.run_program("databases", "-config", self.config(BLOCK_3))
        self.assertEqual(0, done.returncode, done.stderr)
        said = done.stdout + done.stderr
        for line, key in ((5, "access-key-id"), (6, "secret-access-key")):
            self.assertRegex(said, rf"{line}\b.*{key}|{key}.*\b{line}\b")
        self.assertFalse(leaks(said))
        self.assertNotIn(REPLICA_KEYS.access_key, said)

    def test_EveryFormRestoresEveryOther(self):
        self.give_keys(self.gateway.owner)
        forms = {"url": (self.db, URL)}
        for name, text in (("global", BLOCK_1), ("fields", BLOCK_2), ("replica", BLOCK_3), ("colons", with_colons(BLOCK_3))):
            forms[name] = ("-config", self.config(text, f"{name}.yml"))
        for writer, arguments in forms.items():
            self.replicate_all(*arguments)
            for reader, how in forms.items():
                with self.subTest(writer=writer, reader=reader):
                    self.assert_equals_source(self.restored(*((URL,) if reader == "url" else (*how, self.db))))
            with self.subTest(writer=writer, reader="official"):
                self.assert_equals_source(self.restored(URL, program=official.get("0.5.17")))

    def test_EveryFormRestoresWhatTheOfficialProgramWrote(self):
        self.give_keys(self.gateway.owner)
        self.replicate_all(self.db, URL, program=official.get("0.5.17"))
        self.assert_equals_source(self.restored(URL))
        for name, text in (("global", BLOCK_1), ("fields", BLOCK_2), ("replica", BLOCK_3)):
            with self.subTest(reader=name):
                self.assert_equals_source(self.restored("-config", self.config(text, f"{name}.yml"), self.db))

    def own_keys(self, text, printed):
        """The file with a key as Spaces really makes them."""
        return text.replace(printed.secret_key, self.gateway.owner.secret_key).replace(printed.access_key, self.gateway.owner.access_key)


@ours_only
class TroubleTestCase(GuideTestCase):
    """The guide's note: "send request failed ... connection reset by peer" is an error that passes."""

    def setUp(self):
        super().setUp()
        self.give_keys(self.gateway.owner)

    def test_S6_AResetOfTheFirstUploadHealsWithoutAnotherWrite(self):
        self.proxy.fail("reset-in-request", "put")
        replicator = self.start_program("replicate", self.db, URL)
        newest = self.write_now(count=1)["newest"]
        wait_for(self.proxy.fired, "the reset")
        watch = Stopwatch("S6: from the reset to the object")
        self.wait_objects(bucket=SPACE)
        watch.stop()
        self.wait_arrived(newest)
        self.stop_in_order(replicator)
        self.judge(self.restored(URL), exactly=newest)

    def test_S7_PermanentResetsThenRecovery(self):
        replicator = self.start_program("replicate", self.db, URL)
        self.wait_arrived(self.write_now(count=3)["newest"])
        self.proxy.fail("reset-before", count=None)
        began = Stopwatch("S7: until the error was told")
        newest = self.write_now(count=3)["newest"]
        phrases = ("send request failed", "connection reset by peer")
        wait_for(lambda: [line for line in errors_of(replicator) if all(phrase in line for phrase in phrases)], "an error with both phrases")
        began.stop()
        if LONG:
            wait_for(lambda: harness.time.monotonic() - began.started > 30, "thirty seconds", 40)
        self.proxy.heal()
        watch = Stopwatch("S7: from the end of the resets to the restorable transaction")
        wait_for(lambda: "replica sync recovered" in replicator.output(), "the recovery in the log")
        watch.stop()
        self.wait_arrived(newest)
        self.stop_in_order(replicator)
        self.judge(self.restored(URL), exactly=newest)

    def test_S8_AWrongSecret(self):
        self.give_keys(Keys(self.gateway.owner.access_key, "wrong/secret+wrong"))
        replicator = self.start_program("replicate", self.db, URL)
        newest = self.write_now(count=5)["newest"]
        wait_for(lambda: errors_of(replicator), "an error")
        self.assertTrue(replicator.running())
        self.assertFalse(self.objects("", SPACE))
        self.assertEqual(1, replicator.stop(), "nothing was sent, and it says that all is well")
        self.give_keys(self.gateway.owner)
        replicator = self.start_program("replicate", self.db, URL)
        self.wait_arrived(newest)
        self.stop_in_order(replicator)
        self.judge(self.restored(URL), exactly=newest)


@ours_only
class DocumentationTestCase(unittest.TestCase):
    """docs/spaces.md says what is true."""

    def setUp(self):
        self.text = (pathlib.Path(__file__).parents[2] / "docs" / "spaces.md").read_text()

    def test_NamesEverySettingAndItsDefault(self):
        done = subprocess.run([harness.PROGRAM, "plugins", "-json"], capture_output=True, text=True, check=True, timeout=60)
        listed = json.loads(done.stdout)
        plugin = next(one for one in listed["plugins"] if one["kind"] == "transport" and one["name"] == "s3")
        for option in plugin["options"]:
            row = next((line for line in self.text.splitlines() if line.startswith(f"| `{option['name']}` |")), None)
            self.assertIsNotNone(row, f"no row for {option['name']}")
            self.assertIn(option["default"], row)

    def test_PrintsTheFilesThatAreTested(self):
        for block in (BLOCK_1, BLOCK_2, BLOCK_3):
            self.assertIn(with_colons(block), self.text)
