"""A real S3 server for tests, Ceph's gateway: the server behind DigitalOcean Spaces.

    gateway = Gateway.shared()                # the one of this ctest run, or one of this process
    gateway.endpoint, gateway.ca, gateway.owner.access_key, gateway.requests(bucket=...)

As a program, for ctest's fixtures:

    gateway.py start DIR      starts one in DIR that ends with the caller of this program, at the latest
    gateway.py stop DIR
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import selectors
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import cluster
import s3client

# Variables of the machine that must not decide a test.
FOREIGN = re.compile(r"^(AWS_|LITESTREAM_(ACCESS|SECRET|CONFIG|REPLICA|S3_ENDPOINT)|.*_PROXY$|.*_proxy$|SSL_CERT_|LOG_LEVEL$)")


@dataclasses.dataclass(frozen=True)
class Keys:
    access_key: str
    secret_key: str

    @staticmethod
    def random():
        """Like those of Spaces, and with every character that is awkward in a URL or a configuration."""
        letters = string.ascii_letters + string.digits
        pick = lambda count: "".join(random.choices(letters, k=count))
        return Keys("DO00" + pick(16).upper(), f"{pick(11)}/{pick(12)}+{pick(9)}/{pick(8)}")


@dataclasses.dataclass(frozen=True)
class Request:
    """One line of the gateway's access log. With a bucket in the host name, `bucket` is the first part of the key: the log has no host."""
    method: str
    bucket: str
    key: str  # empty for requests on the bucket
    query: dict
    status: int
    user: str  # "-" when the signature was refused
    connection: str  # different for any two that are open at the same time
    line: str  # the whole record

    @property
    def operation(self):
        return s3client.operation_of(self.method, self.key, self.query)


ACCESS = re.compile(r' beast: (0x[0-9a-f]+): \S+ - (\S+) \[[^]]*\] "(\S+) (\S+) HTTP/1\.1" (\d+) ')


def parse_request(line):
    """A Request, or None for a line about something else."""
    found = ACCESS.search(line)
    if not found:
        return None
    connection, user, method, target, status = found.groups()
    url = urllib.parse.urlsplit(target)
    bucket, _, key = urllib.parse.unquote(url.path)[1:].partition("/")
    return Request(method, bucket, key, dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)), int(status), user, connection, line)


class Gateway:
    """A running gateway, seen from a test. Any number of processes may look at the same one."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory).absolute()
        state = json.loads((self.dir / "gateway.json").read_text())
        self.http_port, self.https_port = state["http_port"], state["https_port"]
        self.owner, self.reader = Keys(**state["owner"]), Keys(**state["reader"])
        self.ca = self.dir / "ca.pem"
        self.certificate = (self.dir / "server.pem", self.dir / "server.key")
        self.endpoint = f"https://localhost:{self.https_port}"
        self.region = cluster.REGION
        self.client = s3client.Client(("127.0.0.1", self.http_port), self.owner.access_key, self.owner.secret_key, self.region)

    @staticmethod
    def shared():
        """The gateway of the ctest run (LITESTREAM_S3_GATEWAY), else one that lives as long as this process. Skips where there is none."""
        directory = os.environ.get("LITESTREAM_S3_GATEWAY")
        if not directory or not is_running(directory):
            directory = own_directory()
        return Gateway(directory)

    def requests(self, bucket=None):
        """What was asked of the gateway, in the order in which it was answered."""
        lines = (self.dir / "client.rgw.log").read_text(errors="replace").splitlines()
        return [request for request in map(parse_request, lines) if request and bucket in (None, request.bucket)]

    def new_user(self, name, keys=None):
        keys = keys or Keys.random()
        self.admin("user", "create", f"--uid={name}", f"--display-name={name}", f"--access-key={keys.access_key}", f"--secret={keys.secret_key}")
        return keys

    def change_secret(self, name, keys):
        """From now on keys.access_key has the secret of `keys`."""
        self.admin("key", "create", f"--uid={name}", "--key-type=s3", f"--access-key={keys.access_key}", f"--secret={keys.secret_key}")

    def admin(self, *arguments):
        done = subprocess.run(["radosgw-admin", "-c", self.dir / "ceph.conf", "-n", "client.rgw", *arguments], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"radosgw-admin {' '.join(arguments[:2])}: {done.stderr.strip()[-300:]}")

    def environment(self):
        """All variables of a program whose endpoint is given by its own configuration."""
        kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
        return {**kept, "AWS_ACCESS_KEY_ID": self.owner.access_key, "AWS_SECRET_ACCESS_KEY": self.owner.secret_key,
                "SSL_CERT_FILE": str(self.ca)}

    # -- trouble: only for a gateway that no other test uses -------------------------------------------------------------------------------

    def pause(self):
        self._ask("pause")

    def resume(self):
        self._ask("resume")

    def kill(self):
        self._ask("kill")

    def restart(self):
        self._ask("restart")

    def _ask(self, command):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(90)
            control.connect(str(self.dir / "control"))
            control.sendall(command.encode())
            control.shutdown(socket.SHUT_WR)
            answer = control.makefile().read()
        if answer != "done":
            raise RuntimeError(f"gateway: {command}: {answer}")


def supervisor_of(directory):
    """(pid, start time) of a living supervisor, or None."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        state = json.loads((pathlib.Path(directory) / "gateway.json").read_text())
        if started_at(state["pid"]) == state["started"]:
            return state["pid"], state["started"]
    return None


def is_running(directory):
    return supervisor_of(directory) is not None


def started_at(pid):
    """With the pid it names a process for good."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


_own = None


def own_directory():
    """A gateway of this process alone, made at the first call."""
    global _own
    if _own is None:
        _own = tempfile.mkdtemp(prefix="litestream-gateway-")
        start(_own, os.getpid())
    return _own


def private():
    """A gateway that the calling test may pause and kill. It ends with this process at the latest; stop(gateway.dir) ends it now."""
    directory = tempfile.mkdtemp(prefix="litestream-gateway-")
    start(directory, os.getpid())
    return Gateway(directory)


def start(directory, owner):
    """Returns when the gateway in `directory` serves; it ends when the process `owner` does. Raises SkipTest where Ceph is not installed."""
    if cluster.missing():
        raise unittest.SkipTest(f"not installed: {' '.join(cluster.missing())}. Run apps/packages.sh")
    if is_running(directory):
        return
    with tempfile.TemporaryFile("w+") as errors:
        supervisor = subprocess.Popen([sys.executable, __file__, "serve", directory, str(owner)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=errors, text=True, start_new_session=True)
        ready = supervisor.stdout.readline()
        supervisor.stdout.close()
        if ready != "ready\n":
            supervisor.wait()
            errors.seek(0)
            raise RuntimeError(f"the gateway did not start: {errors.read()[-2000:]}")


def stop(directory):
    found = supervisor_of(directory)
    if found is None:
        return
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(found[0])
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            if not selector.select(30):
                raise RuntimeError(f"the gateway in {directory} does not end")
        os.close(handle)


class Supervisor:
    """Keeps the cluster until SIGTERM comes or the owner ends; takes commands on DIR/control."""

    def __init__(self, directory, owner):
        self.dir = pathlib.Path(directory).absolute()
        self.cluster = cluster.Cluster(self.dir)
        self.owner = os.pidfd_open(owner)
        self.commands = {"pause": lambda: self.cluster.signal_gateway(signal.SIGSTOP), "resume": lambda: self.cluster.signal_gateway(signal.SIGCONT),
                         "kill": self.cluster.kill_gateway, "restart": self.cluster.start_gateway}

    def start(self):
        owner, reader = Keys.random(), Keys.random()
        for attempt in (1, 2, 3):  # another process may have taken one of the ports meanwhile
            try:
                self.cluster.start()
                self.introduce(owner=owner, reader=reader)
                break
            except (RuntimeError, OSError, s3client.Failure):
                if attempt == 3:
                    raise
                self.cluster.stop()
        state = {"pid": os.getpid(), "started": started_at(os.getpid()), "http_port": self.cluster.http_port, "https_port": self.cluster.https_port,
                 "owner": dataclasses.asdict(owner), "reader": dataclasses.asdict(reader)}
        (self.dir / "gateway.new").write_text(json.dumps(state))

    def introduce(self, **users):
        """Makes the users, and asks something as each of them: what answers is this gateway and no other."""
        for name, keys in users.items():
            self.cluster.admin("user", "create", f"--uid={name}", f"--display-name={name}", f"--access-key={keys.access_key}", f"--secret={keys.secret_key}")
            s3client.Client(("127.0.0.1", self.cluster.http_port), keys.access_key, keys.secret_key, cluster.REGION).request("GET", "")

    def serve(self):
        wake, wakened = socket.socketpair()
        wakened.setblocking(False)
        signal.set_wakeup_fd(wakened.fileno())
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.start()
            with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
                listener.bind(str(self.dir / "control"))
                listener.listen()
                os.rename(self.dir / "gateway.new", self.dir / "gateway.json")
                print("ready", flush=True)
                for source in (listener, wake, self.owner):
                    selector.register(source, selectors.EVENT_READ)
                while True:
                    ready = [key.fileobj for key, _ in selector.select()]
                    if wake in ready or self.owner in ready:
                        return
                    self.answer(listener)
        finally:
            self.cluster.stop()

    def answer(self, listener):
        connection, _ = listener.accept()
        with connection:
            try:
                self.commands[connection.makefile().read()]()
                connection.sendall(b"done")
            except (RuntimeError, KeyError) as error:
                connection.sendall(repr(error).encode())


def main():
    command, directory = sys.argv[1:3]
    if command == "serve":
        Supervisor(directory, int(sys.argv[3])).serve()
    elif command == "start":
        try:
            start(directory, os.getppid())
        except unittest.SkipTest as reason:
            print(reason)
            sys.exit(77)
    elif command == "stop":
        stop(directory)
    else:
        sys.exit(f"gateway.py: unknown command {command}")


if __name__ == "__main__":
    main()
