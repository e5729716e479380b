"""The processes behind gateway.py: one Ceph monitor, one OSD that keeps everything in memory, one radosgw. Plain processes on loopback.

They are children of one supervisor and get SIGKILL from the kernel when it goes, so nothing is ever left running.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid

REGION = "nyc3"
# Each name is path style, BUCKET.NAME is virtual-host style; an IP address is always path style.
HOSTS = ("nyc3.digitaloceanspaces.com", "fra1.digitaloceanspaces.com", "localhost")
NEEDED = ("ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin", "openssl")
PR_SET_PDEATHSIG = 1

CONF = """\
[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{mon_port}/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
ms async op threads = 2
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
auth allow insecure global id reclaim = false
run dir = {dir}
admin socket =
pid file =
log file = {dir}/$name.log
keyring = {dir}/keyring
[mon]
mon data = {dir}/mon
mon cluster log file = {dir}/cluster.log
mon data avail warn = 1
mon data avail crit = 0
paxos propose interval = 0.02
paxos min wait = 0.01
[osd]
osd data = {dir}/osd
osd objectstore = memstore
memstore device bytes = 4G
osd op num shards = 1
osd op num threads per shard = 2
osd class load list = *
osd client watch timeout = 2
[client.rgw]
rgw data = {dir}/rgw
rgw frontends = beast endpoint=127.0.0.1:{http_port} ssl_endpoint=127.0.0.1:{https_port} ssl_certificate={dir}/server.pem ssl_private_key={dir}/server.key tcp_nodelay=1
rgw relaxed s3 bucket names = true
rgw dns name = {host}
rgw thread pool size = 64
rgw override bucket index max shards = 1
rgw enable ops log = false
debug rgw = 1
"""

CAPS = {
    "mon.": ("mon = allow *",),
    "client.admin": ("mon = allow *", "osd = allow *"),
    "osd.0": ("mon = allow profile osd", "osd = allow *"),
    "client.rgw": ("mon = allow rw", "osd = allow rwx"),
}


def missing():
    """What would have to be installed."""
    return [name for name in NEEDED if not shutil.which(name)]


def free_ports(count):
    """Ports outside the range from which the kernel takes those of outgoing connections."""
    ports = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            port = random.randrange(20000, 32000)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports.append(port)
    return ports


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Cluster:
    """Used by the supervisor's main thread only: a child's death signal belongs to the thread that made it."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory).absolute()
        self.processes = {}

    def run(self, *command):
        with open(self.dir / "setup.log", "a") as log:
            done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, timeout=60)
            log.write(done.stdout)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}, see {self.dir}/setup.log")
        return done.stdout

    def admin(self, *arguments):
        return self.run("radosgw-admin", "-c", self.dir / "ceph.conf", "-n", "client.rgw", *arguments)

    def spawn(self, name, *command):
        with open(self.dir / f"{name}.out", "a") as out:
            self.processes[name] = subprocess.Popen([*command, "-c", str(self.dir / "ceph.conf"), "-f"], stdin=subprocess.DEVNULL, stdout=out,
                                                    stderr=out, preexec_fn=die_with_parent, start_new_session=True)

    def wait(self, name, condition, deadline=60):
        end = time.monotonic() + deadline
        while not condition() or self.processes[name].poll() is not None:
            if self.processes[name].poll() is not None or time.monotonic() > end:
                tail = (self.dir / f"{name}.out").read_text()[-1000:]
                raise RuntimeError(f"{name} did not start, see {self.dir}: {tail}")
            time.sleep(0.02)

    def start(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        for part in ("mon", "osd", "rgw"):
            (self.dir / part).mkdir(parents=True)
        mon_port, self.http_port, self.https_port = free_ports(3)
        self.make_certificates()
        fsid, osd_id = str(uuid.uuid4()), str(uuid.uuid4())
        (self.dir / "ceph.conf").write_text(
            CONF.format(dir=self.dir, fsid=fsid, mon_port=mon_port, http_port=self.http_port, https_port=self.https_port, host=HOSTS[0]))
        self.make_keyring()
        conf = ("-c", self.dir / "ceph.conf")
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon_port}/0]", self.dir / "monmap")
        self.run("ceph-mon", *conf, "-i", "a", "--mkfs", "--monmap", self.dir / "monmap", "--keyring", self.dir / "keyring")
        self.spawn("mon", "ceph-mon", "-i", "a")
        self.run("ceph", *conf, "--connect-timeout", "20", "osd", "new", osd_id, "0")
        self.run("ceph-osd", *conf, "-i", "0", "--mkfs", "--no-mon-config", "--osd-uuid", osd_id)
        self.spawn("osd", "ceph-osd", "-i", "0")
        self.wait("osd", lambda: " 1 up" in self.run("ceph", *conf, "--connect-timeout", "10", "osd", "stat"))
        self.name_the_zone()
        self.start_gateway()

    def make_keyring(self):
        lines = []
        for entity, caps in CAPS.items():
            lines += [f"[{entity}]", "  key = " + self.run("ceph-authtool", "--gen-print-key").strip()]
            lines += ['  caps {} = "{}"'.format(*cap.split(" = ")) for cap in caps]
        (self.dir / "keyring").write_text("\n".join(lines) + "\n")

    def make_certificates(self):
        """An authority of our own and a server certificate for every name, as ca.pem, server.pem and server.key."""
        names = ["IP:127.0.0.1"] + [f"DNS:{prefix}{host}" for host in HOSTS for prefix in ("", "*.")]
        (self.dir / "extensions").write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self.run("openssl", "req", "-x509", *curve, "-days", "30", "-subj", "/CN=litestream test authority", "-addext", "basicConstraints=critical,CA:TRUE",
                 "-keyout", self.dir / "ca.key", "-out", self.dir / "ca.pem")
        self.run("openssl", "req", *curve, "-subj", f"/CN={HOSTS[0]}", "-keyout", self.dir / "server.key", "-out", self.dir / "server.csr")
        self.run("openssl", "x509", "-req", "-in", self.dir / "server.csr", "-CA", self.dir / "ca.pem", "-CAkey", self.dir / "ca.key", "-set_serial", "2",
                 "-days", "30", "-extfile", self.dir / "extensions", "-out", self.dir / "server.pem")

    def name_the_zone(self):
        """The region that the gateway reports, and the hosts before which it takes a bucket's name."""
        self.admin("user", "list")  # makes the default zone
        zone = json.loads(self.admin("zonegroup", "get"))
        zone.update(api_name=REGION, hostnames=list(HOSTS))
        (self.dir / "zonegroup.json").write_text(json.dumps(zone))
        self.admin("zonegroup", "set", "--infile", self.dir / "zonegroup.json")

    def answers(self):
        for port in (self.http_port, self.https_port):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return False
        return True

    def start_gateway(self):
        self.spawn("radosgw", "radosgw", "-n", "client.rgw")
        self.wait("radosgw", self.answers)

    def signal_gateway(self, number):
        self.processes["radosgw"].send_signal(number)

    def kill_gateway(self):
        self.signal_gateway(signal.SIGKILL)
        self.processes["radosgw"].wait()

    def stop(self):
        for process in reversed(self.processes.values()):
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes = {}
        shutil.rmtree(self.dir, ignore_errors=True)
