"""The DigitalOcean Spaces guide: its commands and configuration files as printed; only the path of the database is ours."""

import fcntl
import os
import pathlib

import official
from gateway import Keys
from harness import PROGRAM
from s3case import S3TestCase

SPACE = "SPACENAME"
URL = f"s3://{SPACE}.nyc3.digitaloceanspaces.com/db"

# The placeholders of the printed files are keys of the gateway, so the files need no editing.
GLOBAL_KEYS = Keys("xxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/xxxxxxxxx")
REPLICA_KEYS = Keys("xxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/xxxxxxxxx")

BLOCKS = pathlib.Path(__file__).parents[1] / "data" / "guide"
BLOCK_1, BLOCK_2, BLOCK_3 = ((BLOCKS / f"{name}.yml").read_text() for name in ("1-global-keys", "2-separate-fields", "3-replica-keys"))


def with_colons(text):
    """As a YAML reader would have written it."""
    return text.replace("key-id=", "key-id: ").replace("access-key=", "access-key: ")


def deeper(text):
    """The lines with `=` indented further than the key above them: YAML reads them as part of its value."""
    return text.replace("        access-key-id=", "          access-key-id=").replace("        secret-access-key=", "          secret-access-key=")


def leaks(text):
    """Whether the guide's secret stands in a text, as it is or encoded for a URL."""
    return any(secret in text for secret in (GLOBAL_KEYS.secret_key, GLOBAL_KEYS.secret_key.replace("/", "%2F"), GLOBAL_KEYS.secret_key[20:]))


class GuideTestCase(S3TestCase):
    """The hosts of Spaces lead to the gateway through a recording proxy; the Space is empty. The credentials are in no variable yet."""

    def setUp(self):
        super().setUp()
        # All of these tests use the one Space of the guide.
        self.turn = open(self.gateway.dir / "spacename.lock", "w")
        self.addCleanup(self.turn.close)
        fcntl.flock(self.turn, fcntl.LOCK_EX)
        self.new_bucket(SPACE)
        self.gateway.client.empty(SPACE)
        for keys in (GLOBAL_KEYS, REPLICA_KEYS):
            self.gateway.change_secret("owner", keys)
        self.proxy = self.fault_proxy()
        self.connect = self.spaces(self.proxy.port)
        self.give_keys(None)

    def give_keys(self, keys):
        """Into the variables that the guide names; None takes every credential away."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LITESTREAM_ACCESS_KEY_ID", "LITESTREAM_SECRET_ACCESS_KEY"):
            os.environ.pop(name, None)
        if keys:
            os.environ.update(LITESTREAM_ACCESS_KEY_ID=keys.access_key, LITESTREAM_SECRET_ACCESS_KEY=keys.secret_key)

    def config(self, text, name="litestream.yml"):
        path = self.dir / name
        path.write_text(text.replace("/path/to/local/db", str(self.db)))
        return path

    def restored(self, *arguments, program=None, name="my.db"):
        """`litestream restore -o my.db ARGUMENTS`, in a directory of its own; the database it made."""
        where = self.dir / "restored"
        where.mkdir(exist_ok=True)
        (where / name).unlink(missing_ok=True)
        done = self.run_program("restore", "-o", name, *arguments, program=program, cwd=where)
        self.assertEqual(0, done.returncode, done.stdout[-1000:] + done.stderr[-1000:])
        return where / name

    def replicate_all(self, *arguments, program=None):
        """`litestream replicate ARGUMENTS` while a writer commits ten transactions, until they are in the Space; its output."""
        replicator = self.start_program("replicate", *arguments, program=program)
        newest = self.write_now(count=10, rows=3)["newest"]
        self.wait_arrived(newest)
        self.stop_in_order(replicator)
        return replicator.output()

    def wait_arrived(self, newest, program=None):
        """Restores through the gateway's own name, so that it does not need what is under test."""
        self.wait_restorable(newest, source=self.url(bucket=SPACE), program=program or official.restorer(PROGRAM), name="arrived.db",
                             env={"AWS_ACCESS_KEY_ID": self.gateway.owner.access_key, "AWS_SECRET_ACCESS_KEY": self.gateway.owner.secret_key})

    def assert_equals_source(self, restored):
        self.assert_same_database(self.db, restored)
