"""The secret is in nothing that leaves the process, and in nothing that it leaves behind: whatever goes wrong, however much is logged."""

import base64
import json
import os
import pathlib
import subprocess
import urllib.parse

import harness
from gateway import Keys
from harness import ours_only, wait_for
from s3case import S3TestCase, errors_of

WINDOW = 8  # that many characters of a secret in a row are a leak


def pieces(secret):
    """Everything that would betray the secret: its parts, plain and as URLs, base64 and JSON write them."""
    forms = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret), json.dumps(secret)[1:-1].replace("/", "\\/")}
    found = {form[start:start + WINDOW] for form in forms for start in range(len(form) - WINDOW + 1)}
    for shift in range(3):  # of the three ways in which it can lie in a base64 text
        encoded = base64.b64encode(b"\0" * shift + secret.encode()).decode()[4:-4]
        found |= {encoded[start:start + WINDOW] for start in range(len(encoded) - WINDOW + 1)}
    return found


def leaks(text, secret):
    """The pieces of the secret in a text or bytes."""
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    return sorted(piece for piece in pieces(secret) if piece in text)


def command_lines(session):
    """Of every process in a session, as anybody on the machine can read them."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                found.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    return found


@ours_only
class SecretsTestCase(S3TestCase):
    def setUp(self):
        super().setUp()
        self.keys = self.gateway.owner
        self.proxy = self.fault_proxy()
        self.said = {}  # where: what was found there
        os.environ["LOG_LEVEL"] = "trace"
        os.environ["LITESTREAM_S3_DEBUG"] = "all"

    def no_variables(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.pop(name, None)

    def note(self, what, text):
        self.said[f"{len(self.said)} {what}"] = text

    def note_program(self, *arguments, env=None):
        done = self.run_program(*arguments, env=env)
        self.note(f"output of {' '.join(map(str, arguments))}", done.stdout + done.stderr)
        return done

    def troubled(self, *arguments):
        """Replicates through one trouble after another."""
        replicator = self.start_program("replicate", *arguments)
        newest = self.write_now(count=2)["newest"]
        self.wait_restorable(newest, source=self.url(), env={"AWS_ACCESS_KEY_ID": self.keys.access_key, "AWS_SECRET_ACCESS_KEY": self.keys.secret_key})
        for fault in ("reset-before", "internal-error", "cut", "slow-down", "flip"):
            self.proxy.fail(fault, "put")
            known = len(self.proxy.fired())
            self.write_now(count=1)
            wait_for(lambda: self.proxy.fired()[known:], fault)
        self.proxy.refuse()
        newest = self.write_now(count=1)["newest"]
        wait_for(lambda: errors_of(replicator), "an error")
        self.note("command lines", b"\n".join(command_lines(replicator.pid)))
        self.proxy.accept()
        wait_for(lambda: "replica sync recovered" in replicator.output(), "the recovery")
        self.stop_in_order(replicator)
        self.note("log of replicate", replicator.output())

    def assert_nothing_leaks(self, secret=None):
        secret = secret or self.keys.secret_key
        self.note("keys of objects", "\n".join(self.objects("")))
        self.note("request lines", "\n".join(asked.target for asked in self.proxy.asked()))
        self.note("access log", "\n".join(request.line for request in self.gateway.requests(self.bucket)))
        for path in self.dir.rglob("*"):
            if path.is_file() and path.suffix not in (".yml", ".ini"):
                self.note(f"file {path}", path.read_bytes())
        for where, text in self.said.items():
            self.assertEqual([], leaks(text, secret), where)

    def write_config(self, name, text):
        path = self.dir / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def test_TheseTestsFindALeak(self):
        secret = self.keys.secret_key
        for text in (f"x{secret}x", urllib.parse.quote(secret, safe=""), base64.b64encode(f"user:{secret}".encode()).decode(), secret[5:14], secret[-9:]):
            self.assertTrue(leaks(text, secret), text)
        self.assertFalse(leaks(self.keys.access_key, secret))

    def test_OfTheEnvironment(self):
        self.troubled(self.db, self.url(self.proxy.port))
        for arguments in (("restore", "-o", "a.db", self.url(self.proxy.port)), ("ltx", self.url(self.proxy.port)), ("plugins", "-json"), ("plugins",)):
            self.note_program(*arguments)
        self.proxy.fail("reset-before", count=None)
        self.note_program("restore", "-o", "b.db", self.url(self.proxy.port))
        self.assert_nothing_leaks()

    def test_OfAConfigurationFile(self):
        self.no_variables()
        config = self.write_config("litestream.yml", f"""\
access-key-id: {self.keys.access_key}
secret-access-key: {self.keys.secret_key}
dbs:
  - path: {self.db}
    replicas:
      - url: {self.url(self.proxy.port)}
""")
        self.troubled("-config", config)
        for command in ("databases", "status"):
            for flags in ((), ("-json",)):
                self.assertEqual(0, self.note_program(command, "-config", config, *flags).returncode)
        self.note_program("ltx", "-config", config, self.db)
        self.note_program("restore", "-config", config, "-o", "a.db", self.db)
        self.assert_nothing_leaks()

    def test_OfAReplicaInAConfigurationFile(self):
        self.no_variables()
        config = self.write_config("litestream.yml", f"""\
dbs:
  - path: {self.db}
    replicas:
      - url: {self.url(self.proxy.port)}
        access-key-id={self.keys.access_key}
        secret-access-key={self.keys.secret_key}
""")
        self.troubled("-config", config)
        self.assert_nothing_leaks()

    def test_OfAFileWithMistakes(self):
        """A syntax error is shown with its surroundings by many a parser."""
        self.no_variables()
        secret = self.keys.secret_key
        mistakes = (f"secret-access-key: {secret}\n  dbs: [", f"secret-access-key: [{secret}\ndbs:\n", f"secret-access-key: {{a: {secret}}}\n",
                    f"secret-acess-key: {secret}\n", f"dbs:\n  - path: x\n    replicas:\n      - url: s3://b/d\n          secret-access-key={secret}\n        type=s3\n",
                    f"dbs:\n  - path: x\n    replica: {{type: s3, secret-access-key: '{secret}'}}\n", f"access-key-id=a\nsecret-access-key={secret}\nfoo={secret}\n",
                    f"secret-access-key={secret}\n\tdbs:\n", f"dbs:\n  - path: x\n    replica:\n      url: s3://b/d?secret-access-key={urllib.parse.quote(secret, safe='')}\n",
                    f"dbs:\n  - path: x\n    replica:\n      url: s3://key:{urllib.parse.quote(secret, safe='')}@b.nyc3.digitaloceanspaces.com/d\n")
        for number, text in enumerate(mistakes):
            config = self.write_config(f"{number}.yml", text)
            for command in ("databases", "replicate"):
                self.note(f"{command} {number}", self.until_it_ends(command, "-config", config))
        ini = self.write_config("litestream.ini", f"[database x]\npath = x\nreplica = s3://b/d\nsecret-access-key = {secret}\nno-such-key = {secret}\n")
        self.note_program("databases", "-config", ini)
        self.assert_nothing_leaks()

    def until_it_ends(self, *arguments):
        """What it says within two seconds."""
        with open(self.dir / "said.log", "w+") as said:
            process = subprocess.Popen([harness.PROGRAM, *map(str, arguments)], stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd=self.dir)
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            said.seek(0)
            return said.read()

    def test_OfAWrongSecret(self):
        wrong = Keys.random().secret_key
        os.environ["AWS_SECRET_ACCESS_KEY"] = wrong
        replicator = self.replicate(self.url(self.proxy.port))
        self.write_now(count=1)
        wait_for(lambda: errors_of(replicator), "an error")
        replicator.stop()
        for arguments in (("restore", "-o", "a.db", self.url(self.proxy.port)), ("ltx", self.url(self.proxy.port))):
            self.assertEqual(1, self.note_program(*arguments).returncode)
        self.assert_nothing_leaks(wrong)

    def test_OfChildren(self):
        """A child's command line is not given what its parent knows."""
        self.no_variables()
        seen = self.dir / "seen.txt"
        config = self.write_config("litestream.yml", f"""\
access-key-id: {self.keys.access_key}
secret-access-key: {self.keys.secret_key}
exec: sh -c "tr '\\\\0' ' ' < /proc/self/cmdline > {seen}; env >> {seen}"
dbs:
  - path: {self.db}
    replicas:
      - url: {self.url(self.proxy.port)}
""")
        self.write_now(count=1)
        done = self.note_program("replicate", "-config", config)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertTrue(seen.read_text())
        self.assert_nothing_leaks()

    def test_OfASessionToken(self):
        """It goes with every request, in a header."""
        token = Keys.random().secret_key
        os.environ["AWS_SESSION_TOKEN"] = token
        replicator = self.replicate(self.url(self.proxy.port))
        self.write_now(count=1)
        wait_for(lambda: errors_of(replicator) or self.objects(), "an answer")
        replicator.stop()
        self.note_program("ltx", self.url(self.proxy.port))
        self.assert_nothing_leaks(token)
