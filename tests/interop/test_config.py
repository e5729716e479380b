"""The same litestream.yml for official Litestream v0.5.17 and for us: what one takes the other takes, and what it says of one that is wrong."""

import os
import subprocess

import harness
import official
from harness import PROGRAM

ACCEPTED = {
    "nothing": "",
    "only a comment": "# nothing\n",
    "unknown keys": "foo: 1\ndbs:\n- path: /a\n  bar: [2]\n  replica: {path: /x, baz: 3}\n",
    "equal keys": "dbs:\n- path: /a\n  path: /b\n  replica: {path: /x}\n",
    "two documents": "dbs: [{path: /a, replica: {path: /x}}]\n---\nrubbish: }\n",
    "JSON": '{"dbs":[{"path":"/a","replica":{"path":"/x"}}]}',
    "byte order mark and carriage returns": "\ufeffdbs:\r\n  - path: /a\r\n    replica:\r\n      path: /x\r\n",
    "anchors": "x: &x\n  path: /x\ndbs:\n- &a\n  path: /a\n  replica: *x\n- <<: *a\n  path: /b\n  replica: {<<: *x, path: /y}\n",
    "a merge behind the key": "dbs:\n- path: /a\n  replica: {path: /x}\n  <<: {path: /b}\n",
    "a list of one replica": "dbs:\n- path: /a\n  replicas:\n  - url: file:///x\n",
    "replica beside an empty list": "dbs:\n- path: /a\n  replica: {path: /x}\n  replicas: []\n",
    "octal, fraction, nanoseconds": "socket: {permissions: 0600}\ndbs:\n- path: /a\n  min-checkpoint-page-count: 1.5\n"
                                    "  replica: {path: /x, sync-interval: 0x10}\n",
    "words for booleans": "logging: {stderr: Yes}\nverify-compaction: off\ndbs: []\n",
    "numbers as text": "dbs:\n- path: 123\n  replica: {path: 0x10}\n",
    "settings of other types": "dbs:\n- path: /a\n  replica: {path: /x, host: h, skip-verify: y, part-size: 5 mb, concurrency: 3}\n",
    "blocks": "levels: [{interval: 1s}]\nsnapshot: {interval: 1h}\nretention: {enabled: no}\nvalidation: {interval: 0}\n"
              "l0-retention: 0\nheartbeat-url: http://x\nheartbeat-interval: 1m\nmcp-addr: ':1'\nsnapshot:\ndbs:\n",
    "folded blocks": "dbs:\n- path: >-\n    /a\n  replica:\n    path: >-\n      /x\n",
    "tags": "dbs:\n- path: !!str null\n  replica: !!map\n    path: '/x'\n",
    "buckets": "bucket: b\naccess-key-id: 1\nsecret-access-key: 2\ndbs:\n- path: /a\n  replica: {type: s3, path: x, endpoint: 'http://h:1'}\n"
               "- path: /b\n  replicas: [{type: s3, bucket: 0x10, part-size: 8MiB, force-path-style: n, skip-verify: on}]\n",
    "a relative path": "dbs:\n- path: x/../a\n  replica: {path: b}\n",
    "an environment variable": "dbs:\n- path: /${CONFIG_TEST_NAME}$CONFIG_TEST_NAME\n  replica:\n    path: /x$$$1${}\n",
}

# What is behind the file's name has to be the same, as far as ours has no more to say.
REFUSED = {
    "a list as document": "- a\n",
    "a word as document": "foo\n",
    "a tab": "dbs:\n  - path: /a\n\tfoo: x\n",
    "two colons": "dbs:\n - path: /a\n    foo: x\n",
    "an open quote": 'exec: "a\nb: c\n',
    "an unknown anchor": "dbs: *x\n",
    "an at sign": "dbs:\n - path: @foo\n",
    "a guide's equals sign in a value": "dbs:\n  url=x: y: z\n",
    "wrong types": "dbs:\n- path: [a]\n  monitor-interval: abc\n  recursive: 'yes'\n  min-checkpoint-page-count: '15'\nlogging: {stderr: 1}\n",
    "a long value": "l0-retention: something longer\n",
    "days": "dbs:\n- path: /a\n  replica: {path: /x, sync-interval: 1d}\n",
    "a number in quotes": "l0-retention: '10'\n",
    "a size without digits": "dbs:\n- path: /a\n  replica: {path: /x, part-size: foo}\n",
    "no interval": "levels: [{interval: 0s}]\n",
    "no snapshots": "snapshot: {interval: 0s}\n",
    "negative retention": "l0-retention: -1s\n",
    "no check": "l0-retention-check-interval: 0\n",
    "a heartbeat that is too fast": "heartbeat-interval: 59s\n",
    "no shutdown interval": "shutdown-sync-interval: 0\n",
    "a negative timeout": "shutdown-sync-timeout: -1s\n",
    "two snapshot intervals": "dbs:\n- {path: /a, replica: {path: /x}, snapshot: {interval: 1h}}\n"
                              "- {path: /b, replica: {path: /y}, snapshot: {interval: 2h}}\n",
    "no sync interval": "dbs:\n- path: /a\n  replica: {path: /x, sync-interval: 0}\n",
    "path and dir": "dbs:\n- {path: /a, dir: /b}\n",
    "neither path nor dir": "dbs:\n- path: ~\n",
    "a directory without a pattern": "dbs:\n- dir: /b\n",
    "watching a file": "dbs:\n- {path: /a, watch: true}\n",
    "meta-dir of a file": "dbs:\n- {path: /a, meta-dir: /b}\n",
    "meta-dir and meta-path": "dbs:\n- {dir: /a, pattern: x, meta-dir: /b, meta-path: /c}\n",
    "one database twice": "dbs:\n- {path: /a, replica: {path: /x}}\n- {path: /b/../a, replica: {path: /y}}\n",
    "no replica": "dbs:\n- path: /a\n",
    "replica and replicas": "dbs:\n- path: /a\n  replica: {path: /x}\n  replicas: [{path: /y}]\n",
    "url and path": "dbs:\n- path: /a\n  replica: {url: 'file:///x', path: /y}\n",
    "url and path of a bucket": "dbs:\n- path: /a\n  replica: {url: 's3://b/x', path: y}\n",
    "url and bucket": "dbs:\n- path: /a\n  replica: {url: 's3://b/x', bucket: y}\n",
    "no bucket": "dbs:\n- path: /a\n  replica: {type: s3, path: x}\n",
    "a url as path": "dbs:\n- path: /a\n  replica: {path: 's3://b/x'}\n",
    "no place": "dbs:\n- path: /a\n  replica: {type: file}\n",
    "an unknown type": "dbs:\n- path: /a\n  replica: {type: tape, path: x}\n",
    "an unknown scheme": "dbs:\n- path: /a\n  replica: {url: 'tape://x'}\n",
    "no scheme": "dbs:\n- path: /a\n  replica: {url: x}\n",
    "age": "dbs:\n- path: /a\n  replica: {path: /x, age: {recipients: [x]}}\n",
}

# Our words for what Go calls by the names of its types, and for what its size parser says.
OUR_WORDS = (
    ('struct { Snapshot *main.SnapshotConfig "yaml:\\"snapshot\\"" }', "a configuration"),
    ('strconv.ParseFloat: parsing "": invalid syntax', '"foo"'),
    ("unknown anchor 'x' referenced", "unknown anchor referenced"),
    (", if you need encryption please revert back to Litestream v0.3.x", ""),
    # Go's parser does not count the first line.
    ("yaml: unknown anchor", "yaml: line 1: unknown anchor"),
)


class ConfigTestCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.theirs = official.get("0.5.17")
        self.file = self.dir / "litestream.yml"
        self.env = {**os.environ, "CONFIG_TEST_NAME": "name"}

    def databases(self, program, text, *flags):
        self.file.write_text(text, encoding="utf-8", newline="")
        return subprocess.run([str(program), "databases", "-config", str(self.file), *flags], capture_output=True, text=True, timeout=60,
                              cwd=self.dir, env=self.env)

    def test_TakesWhatTheOfficialProgramTakes(self):
        for name, text in ACCEPTED.items():
            for flags in ((), ("-json",), ("-no-expand-env",)):
                with self.subTest(name, flags=flags):
                    theirs = self.databases(self.theirs, text, *flags)
                    ours = self.databases(PROGRAM, text, *flags)
                    self.assertEqual(0, theirs.returncode, theirs.stderr)
                    self.assertEqual(0, ours.returncode, ours.stderr)
                    self.assertEqual(theirs.stdout, ours.stdout)

    def test_RefusesWhatTheOfficialProgramRefusesInItsWords(self):
        for name, text in REFUSED.items():
            with self.subTest(name):
                theirs = self.databases(self.theirs, text)
                ours = self.databases(PROGRAM, text)
                self.assertEqual(1, theirs.returncode, theirs.stdout)
                self.assertEqual(1, ours.returncode, ours.stdout)
                wanted = theirs.stderr.removeprefix("Error: ").rstrip()
                for word, replacement in OUR_WORDS:
                    wanted = wanted.replace(word, replacement)
                self.assertIn(wanted, ours.stderr)


class CredentialsTestCase(harness.TestCase):
    """Which keys a child of -exec sees: both programs copy the same ones."""

    def seen(self, program, variables):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LITESTREAM_"))}
        script = self.dir / "show.sh"
        script.write_text("#!/bin/sh\n" + "".join(f'echo "{name}=${{{name}-unset}}"\n' for name in names))
        script.chmod(0o755)
        done = subprocess.run([str(program), "replicate", "-exec", str(script), str(self.db), f"file://{self.replica}"],
                              capture_output=True, text=True, timeout=60, env={**env, **variables})
        return [line for line in done.stdout.splitlines() if line.startswith(names)]

    def test_CopiesTheKeysThatAreNotSet(self):
        theirs = official.get("0.5.17")
        ours = {"LITESTREAM_ACCESS_KEY_ID": "id", "LITESTREAM_SECRET_ACCESS_KEY": "se/c+ret"}
        for variables in ({}, ours, {**ours, "AWS_ACCESS_KEY_ID": "other"}, {**ours, "AWS_SECRET_ACCESS_KEY": ""},
                          {"LITESTREAM_ACCESS_KEY_ID": ""}):
            with self.subTest(variables=variables):
                self.write_now(count=1)
                self.assertEqual(self.seen(theirs, variables), self.seen(PROGRAM, variables))
        self.assertEqual(["AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=se/c+ret"], self.seen(PROGRAM, ours))
