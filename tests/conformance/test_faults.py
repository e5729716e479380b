"""The kit finds every planted fault and names the clause that it breaks, no other one (faults/)."""

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ["LITESTREAM_BIN"]) / "litestream-conformance"
FAULTS = pathlib.Path(os.environ["LITESTREAM_TOOLS"]) / "faults"

# What each plugin breaks. Its file says how.
TRANSPORTS = {
    "nothing-wrong": set(),
    "crashes": {"KeysMayHoldAnyPrintableText"},
    "delete-lies": {"RemoveTakesWhatItIsTold"},
    "foreign-exception": {"TransportThrowsNothingButErrors"},
    "gets-share-a-buffer": {"ConcurrentCallsOfAllKindsKeepApart"},
    "hangs": {"EmptyObjectIsAnObject", "PutGivesBackEveryByte"},
    "ignores-cancel": {"CancelledCallsDoNothing", "PutCancelledOnItsWayLeavesNothing"},
    "list-repeats": {"PagesWithoutGapOrRepetition", "StartsBehindAnyText"},
    "list-skips": {"PagesWithoutGapOrRepetition", "StartsBehindAnyText"},
    "missing-is-transient": {"MissingObjectIsNotFound"},
    "only-if-absent-ignored": {"OfConcurrentConditionalPutsExactlyOneSucceeds", "OnlyIfAbsentLeavesAnExistingObjectAlone"},
    "only-if-absent-races": {"OfConcurrentConditionalPutsExactlyOneSucceeds"},
    "put-in-place": {"FailingBodyLeavesNothingVisible", "FailingBodyLeavesTheOldObject", "PutCancelledOnItsWayLeavesNothing",
                     "UnfinishedPutIsInvisible"},
    "put-keeps-part": {"FailingBodyLeavesNothingVisible", "FailingBodyLeavesTheOldObject"},
    "put-stays-in-instance": {"AnotherInstanceSeesWhatWasPut"},
    "puts-share-a-buffer": {"ConcurrentPutsKeepTheirBytesApart"},
    "range-off-by-one": {"GetReadsEveryRange"},
    "time-in-seconds": {"KeepsTheTimestampToTheMillisecond"},
}
CODECS = {
    "nothing-wrong": set(),
    "counts-its-pages": {"PacksTheSamePageToTheSameBytes"},
    "damage-is-transient": {"RefusesAPageOfAnotherSize", "RefusesAPageThatIsCutOff", "StaysInsideItsBuffersWhateverTheBytesAre",
                            "UsesAllBytesOrOnlyItsOwn"},
    "loses-last-byte": {"GivesBackEveryPage", "ServesManyThreads"},
    "reads-outside": {"StaysInsideItsBuffersWhateverTheBytesAre"},
    "shares-a-buffer": {"ServesManyThreads"},
}
SOURCES = {
    "nothing-wrong": set(),
    "foreign-exception": {"SourceThrowsNothingButErrors"},
    "holds-a-reader": {"LetsTheLogBeRecycled"},
    "image-moves": {"ImageStaysAsItIs"},
    "misses-a-commit": {"BringsEveryCommit"},
    "never-wakes": {"IsDetachedWithoutADatabase", "WakesWhenSomethingWasCommitted"},
    "proves-anything": {"NoticesThatTheDatabaseWasReplaced", "ProvesNoForeignPosition", "ProvesNothingThatItMissed"},
    "ships-uncommitted": {"ShipsNoUncommittedPage", "ShipsNothingOfATransactionThatDied"},
    "stops-in-a-commit": {"StopsAtACommitWhenTheBudgetIsUsedUp"},
    "writes-a-table": {"WritesNothingIntoTheDatabase"},
}

# What has to be said beside the name.
ARGUMENTS = {"hangs": ["--limit", "6s"], "ships-uncommitted": ["--journal-mode", "delete"]}


def run(*arguments):
    command = [PROGRAM, "--plugin-path", FAULTS, "--speed=false", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def judge(kind, name, *arguments):
    """Exit code and the report."""
    result = run(f"--{kind}", name, "--json", *arguments)
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)


def named(report, verdict="VIOLATED"):
    return {clause["clause"]: clause for clause in report["clauses"] if clause["verdict"] == verdict}


class FaultTestCase(unittest.TestCase):
    maxDiff = None

    def check(self, kind, faults):
        built = {path.stem.removeprefix(f"{kind}-") for path in FAULTS.glob(f"{kind}-*.so")}
        self.assertEqual(built, set(faults))
        # Some of them are waited for in vain, so side by side.
        with concurrent.futures.ThreadPoolExecutor(4) as workers:
            judged = {name: workers.submit(judge, kind, name, *ARGUMENTS.get(name, [])) for name in faults}
        for name, clauses in faults.items():
            with self.subTest(plugin=f"{kind} {name}"):
                code, report = judged[name].result()
                self.assertEqual(set(named(report)), clauses, json.dumps(named(report), indent=1))
                self.assertEqual(code, 1 if clauses else 0)
                self.assertEqual(report["passed"], not clauses)

    def test_every_faulty_transport_is_named(self):
        self.check("transport", TRANSPORTS)

    def test_every_faulty_codec_is_named(self):
        self.check("codec", CODECS)

    def test_every_faulty_source_is_named(self):
        self.check("source", SOURCES)

    def test_correct_source_is_right_in_both_journal_modes(self):
        code, report = judge("source", "nothing-wrong", "--journal-mode", "delete")
        self.assertEqual((code, named(report)), (0, {}))

    def test_report_tells_what_was_done_seen_and_expected(self):
        _, report = judge("transport", "range-off-by-one")
        clause = named(report)["GetReadsEveryRange"]
        self.assertEqual(clause["header"], "litestream/Transport.h")
        self.assertIn("Reads from `offset` on until `into` is full", clause["sentence"])
        self.assertEqual(clause["observations"][0]["done"], "get 1000 bytes at 1 of an object of 1000")
        self.assertEqual(clause["observations"][0]["seen"], "998 bytes")
        self.assertEqual(clause["observations"][0]["expected"], "999 bytes")

    def test_foreign_exception_is_named_with_its_type(self):
        _, report = judge("transport", "foreign-exception")
        observation = named(report)["TransportThrowsNothingButErrors"]["observations"][0]
        self.assertEqual(observation["seen"], "threw std::out_of_range: map::at")
        self.assertTrue(observation["done"].startswith("head "), observation)
        self.assertIn("MissingObjectIsNotFound", named(report, "NOT JUDGED"))

    def test_end_of_the_process_is_told_with_the_call_that_ended_it(self):
        _, report = judge("codec", "reads-outside")
        observation = named(report)["StaysInsideItsBuffersWhateverTheBytesAre"]["observations"][0]
        self.assertRegex(observation["seen"], "the process ended with (signal 11|status)")  # status: of a sanitizer
        self.assertTrue(observation["done"].startswith("unpack "), observation)
        _, report = judge("transport", "hangs", "--limit", "2s", "--filter", "EmptyObject*")
        observation = named(report)["EmptyObjectIsAnObject"]["observations"][0]
        self.assertEqual(observation["seen"], "no end after 2s")
        self.assertEqual(observation["done"], "get 10 bytes at 0 of empty")

    def test_text_names_clause_header_and_sentence(self):
        result = run("--transport", "time-in-seconds", "--filter", "Keeps*:Head*")
        self.assertEqual(result.returncode, 1)
        self.assertIn("VIOLATED      KeepsTheTimestampToTheMillisecond\n", result.stdout)
        self.assertIn("KeepsTheTimestampToTheMillisecond is violated. <litestream/Transport.h> says:\n", result.stdout)
        self.assertIn("  expected  1700000000123\n", result.stdout)
        self.assertIn("\n2 clauses kept, 1 violated\n", result.stdout)

    def test_wrong_command_lines_end_with_2(self):
        for arguments in (["--transport", "no-such"], ["--codec", "nothing-wrong", "--option", "level=1"], ["--codec", "nothing-wrong", "--filter", "X*"],
                          ["--transport", "nothing-wrong", "--codec", "nothing-wrong"], [], ["--transport"], ["--no-such-flag"],
                          ["--codec", "nothing-wrong", "--option", "level"], ["--codec", "nothing-wrong", "more"]):
            with self.subTest(arguments=arguments):
                result = run(*arguments)
                self.assertEqual(result.returncode, 2, result.stdout)
                self.assertTrue(result.stderr.startswith("Error: "), result.stderr)
                self.assertEqual(result.stdout, "")


class LeftoverTestCase(unittest.TestCase):
    """What it writes is below a name of its own, and gone at the end."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="litestream-test-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        (self.root / "ltx").mkdir()
        (self.root / "ltx" / "theirs").write_text("not the kit's")

    def files(self):
        return {str(path.relative_to(self.root)): path.read_text() for path in self.root.rglob("*") if path.is_file()}

    def start(self, *arguments):
        return subprocess.Popen([PROGRAM, "--transport", "file", "--option", f"path={self.root}", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_nothing_is_left_of_a_transport(self):
        process = self.start("--filter", "Put*:List*")
        self.addCleanup(process.communicate)
        self.assertEqual(process.wait(120), 0)
        self.assertEqual(self.files(), {"ltx/theirs": "not the kit's"})

    def test_nothing_is_left_when_interrupted(self):
        process = self.start("--filter", "Concurrent*:Put*")
        self.addCleanup(process.communicate)
        for line in process.stdout:
            if line.startswith("kept"):
                break
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(120), 130)
        self.assertEqual(self.files(), {"ltx/theirs": "not the kit's"})

    def test_nothing_is_left_of_a_source(self):
        for arguments, code in ((["--filter", "Nothing*"], 0), (["--option", "journal-mode-wal=false", "--journal-mode", "delete"], 2)):
            with self.subTest(arguments=arguments):
                result = run("--source", "sqlite", "--directory", self.root, *arguments)
                self.assertEqual(result.returncode, code, result.stdout + result.stderr)
                self.assertEqual([path.name for path in self.root.iterdir()], ["ltx"])


if __name__ == "__main__":
    unittest.main()
