"""What all black-box suites share: a temporary directory, real processes, waiting for conditions, and comparisons.

Environment (set by ctest): LITESTREAM_BIN, the directory of the programs; LITESTREAM_TOOLS, the directory of writer, oracle and so on.
LITESTREAM_UNDER_TEST names another litestream program, such as an official one, to see how a suite judges it.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("LITESTREAM_BIN", "build/release/bin")).absolute()
TOOLS = pathlib.Path(os.environ.get("LITESTREAM_TOOLS", "build/release/tests")).absolute()
PROGRAM = os.environ.get("LITESTREAM_UNDER_TEST") or str(BIN / "litestream")
SEED = int(os.environ.get("LITESTREAM_TEST_SEED") or time.time_ns() % 1_000_000_007)
HERE = pathlib.Path(__file__).parent
RETENTION, L0_RETENTION = 30, 3  # seconds, in SHORT_LEVELS
SHORT_LEVELS = f"""\
levels:
  - interval: 1s
  - interval: 3s
  - interval: 9s
snapshot:
  interval: 20s
  retention: {RETENTION}s
l0-retention: {L0_RETENTION}s
l0-retention-check-interval: 1s
"""
DEADLINE = 60.0  # seconds for anything that should take one
HEALING = 120.0  # seconds until a replica that was broken has everything, waits between two attempts included


@functools.cache
def version_of(program):
    """The answer of `PROGRAM version`, without a leading v."""
    done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=30)
    return done.stdout.strip().removeprefix("v")


@functools.cache
def is_official(program=PROGRAM):
    return version_of(program) in ("0.3.13", "0.5.17")


def ours_only(test):
    """For what the official programs do not do or promise. LITESTREAM_TEST_ALL=1 asks them nevertheless."""
    official = os.environ.get("LITESTREAM_UNDER_TEST") and not os.environ.get("LITESTREAM_TEST_ALL") and is_official()
    return unittest.skipIf(official, "an official program does not promise this")(test)


def url_of(directory):
    return f"file://{pathlib.Path(directory).absolute()}"


def wait_for(condition, what, deadline=DEADLINE, pause=0.02):
    """Calls condition() until it answers something true and returns that. An AssertionError of the condition counts as "not yet"."""
    end = time.monotonic() + deadline
    while True:
        try:
            answer, reason = condition(), ""
        except AssertionError as error:
            answer, reason = None, f" ({error})"
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:.0f} s: {what}{reason}")
        time.sleep(pause)


class Process:
    """A program that writes its output to a file and is stopped with its whole group."""

    def __init__(self, arguments, log, env=None, cwd=None):
        self.arguments = [str(a) for a in arguments]
        self.log_path = pathlib.Path(log)
        with open(self.log_path, "ab") as out:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                            env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def output(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        if self.running():
            os.killpg(self.pid, number)

    def wait(self, deadline=DEADLINE):
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {deadline:.0f} s: {' '.join(self.arguments)}\n{self.output()[-2000:]}") from None

    def stop(self, deadline=DEADLINE):
        """Ends it politely and returns its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(deadline)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


class Replicator(Process):
    def reconciles(self):
        """The attributes of every reconcile that the log tells of."""
        lines = [line for line in self.output().splitlines() if "msg=reconcile " in line or 'msg="reconcile"' in line]
        return [dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)) for line in lines]

    def complaints(self):
        return [line for line in self.output().splitlines() if "level=ERROR" in line or "level=WARN" in line]

    def locked_inodes(self):
        """Of the files that it holds locks on."""
        locks = (line.split() for line in pathlib.Path("/proc/locks").read_text().splitlines() if "->" not in line)
        return {int(fields[5].rsplit(":", 1)[1]) for fields in locks if fields[4] == str(self.pid)}

    def attached_to(self, db):
        """Whether it holds a lock on the database file, as every connection in WAL mode does."""
        return pathlib.Path(db).stat().st_ino in self.locked_inodes()

    def unguarded(self):
        """Databases in WAL mode and -shm files that it has open without a lock, as after a close() of another descriptor of theirs (T09, T10)."""
        inodes = {}
        for descriptor in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                inodes[os.readlink(descriptor)] = descriptor.stat().st_ino
            except FileNotFoundError:
                pass
        indexes = [path for path in inodes if path.endswith("-shm") and path[:-4] in inodes]
        locked = self.locked_inodes()
        return [path for index in indexes for path in (index, index[:-4]) if inodes[path] not in locked]

    def stop(self, deadline=DEADLINE):
        if self.running() and str(PROGRAM) in self.arguments and not is_official():
            wait_for(lambda: not self.running() or not self.unguarded(), f"the locks of process {self.pid}", pause=0.05)
        return super().stop(deadline)


class Writer(Process):
    """tests/tools/writer; keyword arguments are its options: rows=100 is --rows 100, chaos=True is --chaos."""

    def __init__(self, db, output, env=None, **options):
        flags = []
        for name, value in options.items():
            if value is not False:
                flags += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        super().__init__([TOOLS / "writer", "--db", db, *flags], output, env)

    def summary(self, deadline=600):
        """Waits for the end and returns what it reported."""
        code = self.wait(deadline)
        lines = [line for line in self.output().splitlines() if line.startswith("{")]
        if not lines:
            raise AssertionError(f"the writer ended with {code}: {self.output()[-1000:]}")
        return json.loads(lines[-1])


class Shell:
    """A connection in a process of its own, for statements whose order matters."""

    def __init__(self, db, env=None):
        self.process = subprocess.Popen([sys.executable, HERE / "sqlite_shell.py", db], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **(env or {})}, start_new_session=True)

    def attempt(self, sql):
        """The answer of one statement: {"rows": [...]} or {"error": "..."}."""
        self.process.stdin.write(json.dumps({"sql": sql}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __call__(self, *statements):
        rows = []
        for sql in statements:
            answer = self.attempt(sql)
            if "error" in answer:
                raise AssertionError(f"{sql}: {answer['error']}")
            rows = answer["rows"]
        return rows

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(DEADLINE)
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.process.wait()


def fault(trigger, paths, calls, error, once=False, **options):
    """The environment that makes a program fail; see tools/faultinject.c. options: skip=3 is FAULT_SKIP=3."""
    env = {"LD_PRELOAD": str(TOOLS / "faultinject.so"), "FAULT_TRIGGER": str(trigger), "FAULT_PATH": ":".join(paths),
           "FAULT_CALLS": ",".join(calls), "FAULT_ERRNO": error, "ASAN_OPTIONS": "verify_asan_link_order=0"}
    env.update({f"FAULT_{name.upper()}": str(value) for name, value in options.items()})
    return {**env, "FAULT_ONCE": "1"} if once else env


def commits_of(log):
    """The records of a commit log: (n, ns when COMMIT returned, microseconds it took, database)."""
    data = pathlib.Path(log).read_bytes()
    return [record for record in struct.iter_unpack("<QQII", data[:len(data) // 24 * 24])]


def newest_commit(log):
    return max((n for n, *_ in commits_of(log)), default=0)


def rows_of(db, sql):
    """Asks a file that nobody else uses, without making a WAL beside it."""
    connection = sqlite3.connect(f"file:{db}?immutable=1", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def dump_of(db, immutable=False):
    """The database as SQL, without the official programs' own tables."""
    connection = sqlite3.connect(f"file:{db}?immutable=1" if immutable else f"file:{db}", uri=True)
    connection.text_factory = bytes
    try:
        tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '\\_litestream%' ESCAPE '\\' ORDER BY name").fetchall()
        content = {}
        for name, sql in tables:
            if sql is not None and sql.upper().startswith(b"CREATE TABLE"):
                content[name] = (sql, connection.execute(f"SELECT * FROM \"{name.decode()}\" ORDER BY rowid").fetchall())
            else:
                content[name] = (sql, None)
        return content
    finally:
        connection.close()


def checkpoint(db, mode="PASSIVE"):
    connection = sqlite3.connect(db, timeout=10, isolation_level=None)
    try:
        return connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    finally:
        connection.close()


class TestCase(unittest.TestCase):
    """A test with a directory of its own; whatever it started is gone when it ends."""

    def setUp(self):
        if not pathlib.Path(PROGRAM).exists():
            self.fail(f"no program to test at {PROGRAM}: build it first")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="litestream-test-"))
        self.db = self.dir / "app.db"
        self.replica = self.dir / "replica"
        self.commit_log = self.dir / "commits.bin"
        self.seed = SEED
        self._started = []
        self._names = {}

    def assert_memory(self, taken, most):
        """In bytes. Sanitizers keep what was freed, so with them it is no figure of the program."""
        if not any(name in pathlib.Path(PROGRAM).read_bytes() for name in (b"__asan_init", b"__tsan_init")):
            self.assertLess(taken, most)

    def tearDown(self):
        for process in self._started:
            process.kill()
            if isinstance(process, Shell):
                process.close()
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            print(f"{self.id()}: seed {self.seed} (LITESTREAM_TEST_SEED={self.seed} repeats it), files kept in {self.dir}", file=sys.stderr)
            for process in self._started:
                if isinstance(process, Process):
                    print(f"--- {' '.join(process.arguments)}\n{process.output()[-3000:]}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    # -- processes ------------------------------------------------------------------------------------------------------------------

    def _log(self, kind):
        self._names[kind] = self._names.get(kind, 0) + 1
        return self.dir / f"{kind}-{self._names[kind]}.log"

    def start(self, process):
        self._started.append(process)
        return process

    def replicate(self, *urls, db=None, flags=(), program=PROGRAM, env=None):
        targets = [url if "://" in str(url) else url_of(url) for url in urls or [self.replica]]
        return self.start(Replicator([program, "replicate", *flags, db or self.db, *targets], self._log("replicate"), env))

    def write(self, db=None, env=None, **options):
        options.setdefault("log", self.commit_log)
        options.setdefault("seed", self.seed)
        return self.start(Writer(db or self.db, self._log("writer"), env, **options))

    def write_now(self, db=None, **options):
        """Writes and waits; returns the writer's summary, which must be free of errors."""
        summary = self.write(db, **options).summary()
        self.assertEqual(0, summary["errors"], "the writer met errors")
        return summary

    def shell(self, db=None, env=None):
        return self.start(Shell(db or self.db, env))

    # -- restoring and judging ------------------------------------------------------------------------------------------------------

    def try_restore(self, source=None, flags=(), program=PROGRAM, name="restored.db"):
        """(path, None) or (None, the error's text)."""
        source = source or self.replica
        out = self.dir / "out" / name
        out.parent.mkdir(exist_ok=True)
        for old in out.parent.glob(name + "*"):
            old.unlink()
        url = source if "://" in str(source) else url_of(source)
        done = subprocess.run([program, "restore", "-o", str(out), *flags, url], capture_output=True, text=True, timeout=300)
        if done.returncode != 0 or not out.exists():
            return None, f"restore ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
        return out, None

    def restore(self, source=None, **options):
        out, error = self.try_restore(source, **options)
        self.assertIsNotNone(out, error)
        return out

    def judge(self, db, **options):
        """Runs the oracle and returns its verdict; fails when the database is not a committed prefix."""
        flags = []
        for name, value in options.items():
            flags += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        done = subprocess.run([TOOLS / "oracle", db, *flags], capture_output=True, text=True, timeout=300)
        self.assertEqual(0, done.returncode, f"oracle {db}: {done.stdout}{done.stderr} (seed {self.seed})")
        return json.loads(done.stdout)

    def wait_restorable(self, at_least, source=None, deadline=DEADLINE, **options):
        """Restores until transaction `at_least` is in it. Every restore on the way must be a committed prefix. Returns the last one."""
        def attempt():
            out, error = self.try_restore(source, **options)
            self.assertIsNotNone(out, error)
            verdict = subprocess.run([TOOLS / "oracle", out], capture_output=True, text=True, timeout=300)
            if verdict.returncode != 0:
                # Not an AssertionError: a wrong database is not one that is merely late.
                raise RuntimeError(f"a restore is no committed prefix: {verdict.stdout}{verdict.stderr}")
            n = json.loads(verdict.stdout)["n"]
            self.assertGreaterEqual(n, at_least)
            return out
        return wait_for(attempt, f"transaction {at_least} in {source or self.replica}", deadline, pause=0.1)

    def wait_restores_to(self, expected, source=None, deadline=DEADLINE, **options):
        """Restores until the dump equals `expected`."""
        def attempt():
            out, error = self.try_restore(source, **options)
            self.assertIsNotNone(out, error)
            return out if dump_of(out, immutable=True) == expected else None
        return wait_for(attempt, "a restore that equals the source", deadline, pause=0.1)

    def wait_restores_bytes(self, source, deadline=DEADLINE):
        """For a source that nobody writes to: checkpoints it, which is complete when all has been captured, and restores until the files are equal. So
        what leaves all content as it is, as VACUUM does, is waited for as well."""
        def attempt():
            self.checkpoint_all(source)
            out, error = self.try_restore()
            self.assertIsNotNone(out, error)
            self.assertEqual(first_difference(source, out), None)
            return out
        return wait_for(attempt, "a restore with the bytes of the source", deadline, pause=0.1)

    def checkpoint_all(self, source):
        busy, frames, done = checkpoint(source)
        self.assertEqual((0, frames), (busy, done), "the source could not be checkpointed")

    def assert_same_database(self, source, restored):
        self.assertEqual([("ok",)], rows_of(restored, "PRAGMA integrity_check"))
        self.assertEqual(dump_of(source), dump_of(restored, immutable=True), "the restored database differs from its source")

    def assert_same_bytes(self, source, restored):
        """For a source that nobody writes to: checkpoints it, then compares the files."""
        self.checkpoint_all(source)
        self.assertEqual(first_difference(source, restored), None)


def first_difference(one, other):
    """None, or where two files differ."""
    a, b = pathlib.Path(one).read_bytes(), pathlib.Path(other).read_bytes()
    if a == b:
        return None
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"{one} ({len(a)} bytes) and {other} ({len(b)} bytes) differ at byte {at}"


def object_files(replica):
    """Every object under a replica directory, with size and time: changes whenever the replica does."""
    found = {}
    for path in pathlib.Path(replica).rglob("*"):
        try:
            if path.is_file():
                found[str(path)] = (path.stat().st_size, path.stat().st_mtime_ns)
        except FileNotFoundError:
            pass
    return found


def ini_of(databases, extra=""):
    """A litestream.ini for {database: [url, ...]}."""
    lines = [extra] if extra else []
    for number, (db, urls) in enumerate(databases.items()):
        lines += [f"[database db{number}]", f"path = {db}"]
        lines += [f"replica{'' if k == 0 else f'.number{k + 1}'} = {url}" for k, url in enumerate(urls)]
    return "\n".join(lines) + "\n"
