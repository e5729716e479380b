"""The figures of the benchmark. Each takes a Bench and a program (None: the application alone, or plain cp) and returns {metric: number}."""

import shutil
import time

import harness
from harness import Writer
from measure import (Arrivals, cpu_seconds, descriptors, lags_ms, make_durable, memory_mb, percentile, run_child, scratch, settle,
                     wait_shipped)


class Bench:
    """Where things lie and how large they are. Templates are built once and copied."""

    def __init__(self, work, quick):
        self.work = work
        self.quick = quick
        self.gib = (64 << 20) if quick else (1 << 30)

    def seconds(self, full, quick):
        return quick if self.quick else full

    def template(self, size):
        """A database of `size` bytes, half of it incompressible."""
        path = self.work / f"template-{size >> 20}.db"
        if not path.exists():
            unfinished = path.with_suffix(".part")
            unfinished.unlink(missing_ok=True)
            writer = Writer(unfinished, self.work / "template.log", rows=1000, row_bytes=1000, random_percent=50, until_bytes=size)
            writer.summary()
            harness.checkpoint(unfinished, "TRUNCATE")
            unfinished.rename(path)
        return path

    def copy_of(self, template, into):
        shutil.copy(template, into)
        make_durable(into)
        return into


def write(db, run, **options):
    return Writer(db, run / "writer.log", log=run / "commits", **options)


def stop(*processes):
    for process in processes:
        process.kill()


def lag(bench, program):
    """One-row commits every 50-450 ms."""
    with scratch(bench.work, "lag") as run:
        db, replica = run / "app.db", run / "replica"
        write(db, run, count=1).summary()
        arrivals = Arrivals(replica, run)
        replicator = program.replicate({db: replica}, run)
        try:
            settle(replica, quiet=2)
            (run / "commits").unlink()
            before, began = cpu_seconds(replicator.pid), time.monotonic()
            write(db, run, seconds=bench.seconds(60, 6), gap="50-450").summary()
            cpu = (cpu_seconds(replicator.pid) - before) / (time.monotonic() - began) * 60
            settle(replica, quiet=3)
        finally:
            stop(replicator)
            arrivals.stop()
        commits = [(n, ns) for n, ns, *_ in harness.commits_of(run / "commits")]
        lags = lags_ms(commits, [(ns, n) for ns, n, _ in arrivals.decode()])
        return {"lag p50 ms": percentile(lags, 0.5), "lag p99 ms": percentile(lags, 0.99), "CPU s/min": cpu}


def load(bench, program, template=None, **options):
    """A writer beside a replicator: what the writer feels, how long the rest takes to arrive, and what it costs."""
    with scratch(bench.work, "load") as run:
        db, replica = run / "app.db", run / "replica"
        if template is not None:
            bench.copy_of(template, db)
        else:
            write(db, run, count=1, **{k: v for k, v in options.items() if k in ("rows", "row_bytes")}).summary()
        if program is None:
            summary = write(db, run, **options).summary()
            return {"tx/s": summary["tx_per_s"], "longest tx ms": summary["max_ms"], "largest WAL MB": summary["largest_wal"] / 1e6,
                    "sustained MB/s": summary["row_bytes"] / 1e6 / summary["seconds"]}
        arrivals = Arrivals(replica, run)
        replicator = program.replicate({db: replica}, run)
        try:
            settle(replica, quiet=3)
            before, began = cpu_seconds(replicator.pid), time.monotonic_ns()
            summary = write(db, run, **options).summary()
            wait_shipped(replica, summary["newest"], run)
            cpu, peak = cpu_seconds(replicator.pid) - before, memory_mb(replicator.pid, "VmHWM")
        finally:
            stop(replicator)
            arrivals.stop()
        ended = max(ns for _, ns, *_ in harness.commits_of(run / "commits"))
        complete = next(ns for ns, n, _ in arrivals.decode() if n >= summary["newest"])
        megabytes = summary["row_bytes"] / 1e6
        return {"tx/s": summary["tx_per_s"], "longest tx ms": summary["max_ms"], "largest WAL MB": summary["largest_wal"] / 1e6,
                "sustained MB/s": megabytes / ((complete - began) / 1e9), "drain s": max(0.0, (complete - ended) / 1e9),
                "CPU ms/MB": cpu * 1000 / megabytes, "peak RSS MB": peak}


def burst(bench, program):
    """As fast as possible, 100 rows of 1 KB per transaction."""
    return load(bench, program, rows=100, row_bytes=1000, seconds=bench.seconds(20, 3))


def burst_large(bench, program):
    """The same on a database of 1 GiB."""
    return load(bench, program, template=bench.template(bench.gib), rows=100, row_bytes=1000, seconds=bench.seconds(20, 3))


def paced(bench, program):
    """100 transactions of 100 rows of 1 KB per second."""
    return load(bench, program, rows=100, row_bytes=1000, rate=100, seconds=bench.seconds(20, 3))


def fleet_of(run, count):
    return {run / "dbs" / f"{number:05}.db": run / "replica" / f"{number:05}" for number in range(count)}


def fleet_writer(run, databases, **options):
    (run / "dbs").mkdir(exist_ok=True)
    return write(run / "dbs" / "{}.db", run, databases=databases, **options)


def wait_for_all(databases, deadline=300):
    harness.wait_for(lambda: all(any(p.is_file() for p in replica.rglob("*.l*")) for replica in databases.values()),
                     "a first object in every replica", deadline, pause=0.5)


def idle(bench, program):
    """1000 databases that nobody uses."""
    count = bench.seconds(1000, 50)
    with scratch(bench.work, "idle") as run:
        databases = fleet_of(run, count)
        fleet_writer(run, count, count=1).summary()
        replicator = program.replicate(databases, run)
        try:
            wait_for_all(databases)
            settle(run / "replica", quiet=bench.seconds(10, 2))
            before, began = cpu_seconds(replicator.pid), time.monotonic()
            time.sleep(bench.seconds(60, 3))
            cpu = (cpu_seconds(replicator.pid) - before) / (time.monotonic() - began) * 60
            return {"CPU s/min": cpu, "RSS MB": memory_mb(replicator.pid, "VmRSS"), "descriptors/db": descriptors(replicator.pid) / count}
        finally:
            stop(replicator)


def fleet(bench, program):
    """200 databases with one transaction per second each."""
    count = bench.seconds(200, 20)
    with scratch(bench.work, "fleet") as run:
        databases = fleet_of(run, count)
        fleet_writer(run, count, count=1).summary()
        arrivals = Arrivals(run / "replica", run)
        replicator = program.replicate(databases, run)
        try:
            wait_for_all(databases)
            settle(run / "replica", quiet=bench.seconds(5, 2))
            (run / "commits").unlink()
            before = cpu_seconds(replicator.pid)
            summary = fleet_writer(run, count, rate=1, seconds=bench.seconds(30, 5)).summary()
            settle(run / "replica", quiet=3)
            cpu, memory = cpu_seconds(replicator.pid) - before, memory_mb(replicator.pid, "VmRSS")
        finally:
            stop(replicator)
            arrivals.stop()
        commits, arrived = {}, {}
        for n, ns, _, number in harness.commits_of(run / "commits"):
            commits.setdefault(number, []).append((n, ns))
        for ns, n, path in arrivals.decode():
            number = int(path.removeprefix(str(run / "replica") + "/").split("/")[0])
            arrived.setdefault(number, []).append((ns, n))
        lags = [ms for number, mine in commits.items() for ms in lags_ms(mine, arrived.get(number, []))]
        return {"CPU ms/commit": cpu * 1000 / summary["tx"], "RSS MB": memory, "lag p50 ms": percentile(lags, 0.5),
                "lag p99 ms": percentile(lags, 0.99)}


def first_objects(db, replica, run, program):
    """Starts a replicator and waits until it has shipped what there is: (process, seconds to the first complete object, CPU)."""
    arrivals = Arrivals(replica, run)
    began = time.monotonic_ns()
    replicator = program.replicate({db: replica}, run)
    try:
        settle(replica, quiet=5)
        cpu = cpu_seconds(replicator.pid)
    except BaseException:
        stop(replicator)
        raise
    finally:
        arrivals.stop()
    return replicator, (arrivals.times()[0][0] - began) / 1e9, cpu


def copy_durably(source, target):
    wall, cpu, _ = run_child(["cp", source, target], "/dev/null")
    return wall + make_durable(target), cpu


def snapshot(bench, program):
    """The first snapshot of a database of 1 GiB; alone: cp and fsync."""
    with scratch(bench.work, "snapshot") as run:
        db = bench.copy_of(bench.template(bench.gib), run / "app.db")
        if program is None:
            wall, cpu = copy_durably(db, run / "copy.db")
            return {"seconds": wall, "CPU s": cpu}
        replicator, seconds, cpu = first_objects(db, run / "replica", run, program)
        peak = memory_mb(replicator.pid, "VmHWM")
        stop(replicator)
        return {"seconds": seconds, "CPU s": cpu, "peak RSS MB": peak}


def snapshot_busy(bench, program):
    """The first snapshot of 1 GiB while the application commits 20 times a second; alone: the application."""
    with scratch(bench.work, "busy") as run:
        db, replica, wal = bench.copy_of(bench.template(bench.gib), run / "app.db"), run / "replica", run / "app.db-wal"
        arrivals = Arrivals(replica, run)
        writer = write(db, run, rows=10, row_bytes=1000, rate=20, seconds=600)
        replicator, most_wal = None, 0
        try:
            harness.wait_for(lambda: (run / "commits").exists() and harness.newest_commit(run / "commits"), "the writer")
            began = time.monotonic_ns()
            if program is not None:
                replicator = program.replicate({db: replica}, run)
            end = time.monotonic() + (240 if program is not None else bench.seconds(6, 2))
            while time.monotonic() < end and not any(p.is_file() and not p.name.endswith(".tmp") for p in replica.rglob("*.l*")):
                most_wal = max(most_wal, wal.stat().st_size)
                time.sleep(0.005)
            ended, cpu = time.monotonic_ns(), cpu_seconds(replicator.pid) if replicator else 0
            peak = memory_mb(replicator.pid, "VmHWM") if replicator else 0
        finally:
            stop(*[process for process in (writer, replicator) if process])
            arrivals.stop()
        if program is not None:
            ended = arrivals.times()[0][0]
        longest = max(us for _, ns, us, _ in harness.commits_of(run / "commits") if began < ns <= ended + 100_000_000) / 1000
        figures = {"longest tx ms": longest, "largest WAL MB": most_wal / 1e6}
        if program is None:
            return figures
        seconds = (ended - began) / 1e9
        return {"seconds": seconds, "MiB/s": db.stat().st_size / (1 << 20) / seconds, "CPU s": cpu, "peak RSS MB": peak, **figures}


def measure_restore(program, replica, run):
    """A restore until its result is on disk; twice, for the first one warms the caches."""
    for attempt in ("warm", "measured"):
        out = run / f"{attempt}.db"
        wall, cpu, memory = run_child(program.restore_command(replica, out), run / "restore.log")
        wall += make_durable(out)
        answer = harness.rows_of(out, "PRAGMA quick_check(1)") if attempt == "measured" else None
        out.unlink()
    if answer != [("ok",)]:
        raise RuntimeError(f"{program.name} restored a damaged database: {answer}")
    return {"seconds": wall, "CPU s": cpu, "peak RSS MB": memory}


def restore(bench, program):
    """Restoring 1 GiB; alone: cp and fsync."""
    with scratch(bench.work, "restore") as run:
        db = bench.copy_of(bench.template(bench.gib), run / "app.db")
        if program is None:
            wall, cpu = copy_durably(db, run / "copy.db")
            return {"seconds": wall, "CPU s": cpu}
        replicator, *_ = first_objects(db, run / "replica", run, program)
        stop(replicator)
        return measure_restore(program, run / "replica", run)


def increments(bench, program):
    """Restoring 200 MiB and 600 increments behind it."""
    with scratch(bench.work, "increments") as run:
        db = bench.copy_of(bench.template(bench.seconds(200 << 20, 20 << 20)), run / "app.db")
        if program is None:
            wall, cpu = copy_durably(db, run / "copy.db")
            return {"seconds": wall, "CPU s": cpu}
        replica = run / "replica"
        replicator = program.replicate({db: replica}, run, interval_ms=10)
        try:
            settle(replica, quiet=3)
            write(db, run, count=bench.seconds(600, 60), rows=20, row_bytes=1000, gap=60).summary()
            settle(replica, quiet=3)
        finally:
            stop(replicator)
        objects = sum(1 for path in replica.rglob("*") if path.is_file())
        return {**measure_restore(program, replica, run), "objects": objects}


def startup(bench, program):
    """From the start of the process to the first object of a small database, and `version`."""
    first, version = [], []
    for _ in range(bench.seconds(10, 2)):
        with scratch(bench.work, "startup") as run:
            db, replica = run / "app.db", run / "replica"
            write(db, run, count=5).summary()
            arrivals = Arrivals(replica, run)
            began = time.monotonic_ns()
            replicator = program.replicate({db: replica}, run)
            try:
                harness.wait_for(lambda: any(p.is_file() and not p.name.endswith(".tmp") for p in replica.rglob("*.l*")),
                                 "the first object", 30)
            finally:
                stop(replicator)
                arrivals.stop()
            first.append((arrivals.times()[0][0] - began) / 1e6)
            version.append(run_child([program.path, "version"], run / "version.log")[0] * 1000)
    return {"first object ms": percentile(first, 0.5), "version ms": percentile(version, 0.5)}


# name -> (function, whether it is also run without a replicator)
FIGURES = {
    "lag": (lag, False),
    "burst": (burst, True),
    "burst-large": (burst_large, True),
    "paced": (paced, True),
    "idle": (idle, False),
    "fleet": (fleet, False),
    "snapshot": (snapshot, True),
    "snapshot-busy": (snapshot_busy, True),
    "restore": (restore, True),
    "increments": (increments, True),
    "startup": (startup, False),
}
