"""What the suites of litestream-migrate share: replicas of any size in a moment, the program, and its answer."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "s3"))

import harness  # noqa: E402
import official  # noqa: E402

# Runs a command and tells its peak of resident memory in KiB, as the last line of stderr.
PEAK = """import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)"""
MIGRATE = harness.BIN / "litestream-migrate"


class MigrateTestCase(harness.TestCase):
    """`self.replica` is the source, `self.target` a directory that does not exist yet."""

    def setUp(self):
        super().setUp()
        self.target = self.dir / "target"

    def make(self, objects=60, size=20_000, replica=None, db=None, seed=1):
        """A replica of that many level-0 files and two snapshots in a directory, and the database that it holds."""
        replica, db = replica or self.replica, db or self.db
        subprocess.run([harness.TOOLS / "makeReplica", replica, db, str(objects), str(size), str(seed)], check=True, timeout=600,
                       env={**os.environ, "LITESTREAM_PLUGIN_PATH": str(harness.BIN / "plugins")})
        return sorted(path for path in pathlib.Path(replica).rglob("*.ltx"))

    def command(self, *arguments):
        return [str(MIGRATE)] + [argument if isinstance(argument, str) else harness.url_of(argument) for argument in arguments]

    def run_migrate(self, *arguments, expect=0):
        """Paths become URLs."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        self.assertEqual(expect, done.returncode, done.stdout[-2000:] + done.stderr[-2000:])
        return done

    def migrate(self, *arguments, expect=0):
        """The report of the one replica."""
        report = json.loads(self.run_migrate("-json", *arguments, expect=expect).stdout)
        self.assertEqual(1, len(report["replicas"]))
        return report["replicas"][0]

    def assert_official_restores(self, source, db=None):
        """The very bytes."""
        restored = self.restore(source, program=official.get("0.5.17"), name="official.db")
        self.assertIsNone(harness.first_difference(db or self.db, restored))

    def damage(self, path, at=None):
        """Turns one bit, in the middle unless told; returns what undoes it."""
        content = bytearray(path.read_bytes())
        copy = path.with_suffix(".whole.tmp")
        shutil.copy2(path, copy)
        content[len(content) // 2 if at is None else at] ^= 4
        path.write_bytes(content)
        return lambda: os.replace(copy, path)


def content_of(root):
    """{relative path: (hash of its content, mtime in milliseconds)} of everything in a directory."""
    found = {}
    for path in pathlib.Path(root).rglob("*"):
        if path.is_file():
            found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns // 1_000_000
    return found


def files_of(root):
    return sorted(str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*") if path.is_file())
