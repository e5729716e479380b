"""What a benchmark can see of a process and a replica from outside."""

import contextlib
import os
import pathlib
import resource
import shutil
import subprocess
import time

import harness


def cpu_seconds(pid):
    """CPU time of a running process, all threads, from its own clock of the kernel (nanoseconds, not ticks)."""
    return time.clock_gettime((~pid << 3) | 2)


def memory_mb(pid, field):
    """VmRSS (now) or VmHWM (most so far), in MB of 10^6 bytes."""
    line = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024 / 1e6


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def settle(replica, quiet=5.0, deadline=240.0):
    """Waits until no object has come for `quiet` seconds. What is still being written is none yet."""
    state, since, end = None, time.monotonic(), time.monotonic() + deadline
    while time.monotonic() < end:
        now = sum(not name.endswith(".tmp") for _, _, files in os.walk(replica) for name in files)
        if now != state or now == 0:
            state, since = now, time.monotonic()
        if time.monotonic() - since > quiet:
            return
        time.sleep(0.1)
    raise RuntimeError(f"{replica} does not come to rest within {deadline:.0f} s")


def wait_shipped(replica, n, work, deadline=240.0):
    """Waits until transaction n is in one of the youngest objects, and then for rest. Some programs pause for seconds in the middle."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        settle(replica)
        objects = [path for path in pathlib.Path(replica).rglob("*") if path.name.endswith((".ltx", ".wal.lz4", ".snapshot.lz4"))]
        objects.sort(key=lambda path: path.stat().st_ctime_ns)
        youngest = pathlib.Path(work) / "youngest"
        youngest.write_text("".join(f"0 {path}\n" for path in objects[-5:]))
        if any(found >= n for _, found, _ in decode(youngest)):
            return
    raise RuntimeError(f"transaction {n} did not reach {replica} within {deadline:.0f} s")


def decode(arrivals):
    done = subprocess.run([harness.TOOLS / "arrivals", "decode", arrivals], capture_output=True, text=True, check=True)
    lines = (line.split(" ", 2) for line in done.stdout.splitlines())
    return [(int(ns), int(n), path) for ns, n, path in lines]


class Arrivals:
    """Watches a replica from before the replicator starts. decode() gives (monotonic ns, newest n inside, path) of every object, in order."""

    def __init__(self, replica, work):
        pathlib.Path(replica).mkdir(parents=True, exist_ok=True)
        self.list = pathlib.Path(work) / "arrivals"
        log = pathlib.Path(work) / "arrivals.log"
        self.watch = harness.Process([harness.TOOLS / "arrivals", "watch", replica, self.list], log)
        harness.wait_for(lambda: "watching" in self.watch.output(), "the watch on the replica")

    def stop(self):
        if self.watch.running() and self.watch.stop() != 0:
            raise RuntimeError(self.watch.output())

    def decode(self):
        self.stop()
        return decode(self.list)

    def times(self):
        """(monotonic ns, path) without opening anything."""
        self.stop()
        lines = (line.split(" ", 1) for line in self.list.read_text().splitlines())
        return [(int(ns), path) for ns, path in lines]


def lags_ms(commits, arrivals):
    """For each commit (n, ns) the milliseconds from the return of COMMIT to the first object that holds it. Raises when one never came.

    `commits` and `arrivals` (ns, n) belong to one database and are in order of time."""
    lags, position, newest = [], -1, 0
    for n, committed in commits:
        while newest < n:
            position += 1
            if position == len(arrivals):
                raise RuntimeError(f"transaction {n} never reached the replica (newest there: {newest})")
            newest = max(newest, arrivals[position][1])
        lags.append((arrivals[position][0] - committed) / 1e6)
    return lags


def run_child(command, log):
    """(wall seconds, CPU seconds, peak MB) of a command that must succeed."""
    with open(log, "ab") as out:
        began = time.monotonic()
        child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {child.returncode}: {pathlib.Path(log).read_text()[-500:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def make_durable(path):
    """Seconds that it takes to get a file and its name onto the disk."""
    began = time.monotonic()
    for each, flags in ((path, os.O_RDONLY), (pathlib.Path(path).parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(each, flags)
        os.fsync(descriptor)
        os.close(descriptor)
    return time.monotonic() - began


@contextlib.contextmanager
def scratch(root, name):
    """An empty directory, gone afterwards; what it left in the page cache is on disk, so that it does not burden the next run."""
    path = pathlib.Path(root) / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.sync()


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
