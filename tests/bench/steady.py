"""What a day of quiet work costs: ours beside official v0.5.17, in the same time, against the S3 gateway and into directories, at default settings:

    python3 tests/bench/steady.py --seconds 1800 --json steady.json --markdown steady.md

Every program follows four databases, each with a process and a bucket or directory of its own: one transaction per second and none at all, in S3 and in a
directory. Requests are those of the gateway's own log, objects of a directory those that a watch saw arrive. They count from --settle seconds after the start.
"""

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time
import unittest
import unittest.mock
import uuid

import run as bench_run
from s3 import CONFIG

sys.path.insert(0, str(bench_run.HERE.parent / "s3"))

SENT = re.compile(r'HTTP/1\.1" \d+ (\d+) ')


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="the build tree with programs and tools (build/release)")
    parser.add_argument("--programs", default="ours,0.5.17", help="which programs (ours,0.5.17)")
    parser.add_argument("--seconds", type=int, default=1800, help="how long it is counted (1800)")
    parser.add_argument("--settle", type=int, default=360, help="seconds before that, in which what the start brought passes through the levels (360)")
    parser.add_argument("--work", help="where the databases are (a temporary directory)")
    parser.add_argument("--json", help="file for all numbers")
    parser.add_argument("--markdown", help="file for the tables, which are printed anyway")
    return parser.parse_args()


@dataclasses.dataclass
class Contestant:
    """A daemon, its database and where its replica is."""
    program: str
    place: str  # s3 or directory
    busy: bool
    dir: pathlib.Path
    bucket: str = ""
    daemon: object = None
    arrivals: object = None
    before: dict = None

    @property
    def db(self):
        return self.dir / "app.db"

    @property
    def replica(self):
        return self.dir / "replica"


def start(contestant, program, gateway):
    import harness
    from measure import Arrivals
    contestant.dir.mkdir(parents=True)
    harness.Writer(contestant.db, contestant.dir / "writer-0.log", count=5, rows=1).summary()
    arguments = [program.path, "replicate"]
    if contestant.place == "s3":
        gateway.client.make_bucket(contestant.bucket)
        config = contestant.dir / "litestream.yml"
        config.write_text(CONFIG.format(db=contestant.db, bucket=contestant.bucket, endpoint=gateway.endpoint, region=gateway.region))
        arguments += ["-config", config]
    else:
        contestant.arrivals = Arrivals(contestant.replica, contestant.dir)
        arguments += [contestant.db, harness.url_of(contestant.replica)]
    contestant.daemon = harness.Replicator(arguments, contestant.dir / "replicate.log")


def wal_bytes(db):
    with contextlib.suppress(FileNotFoundError):
        return pathlib.Path(f"{db}-wal").stat().st_size
    return 0


def local_files(contestant):
    """Everything beside the database that changes when somebody writes there: {path: (size, time)}."""
    found = {}
    for path in contestant.dir.rglob("*"):
        if contestant.replica in path.parents or not (path.name.startswith("app.db") or ".app.db-litestream" in str(path)):
            continue
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                found[str(path.relative_to(contestant.dir))] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


def state_of(contestant):
    from measure import cpu_seconds, memory_mb
    if not contestant.daemon.running():
        raise RuntimeError(f"{contestant.program} ended: {contestant.daemon.output()[-1000:]}")
    return {"CPU s": cpu_seconds(contestant.daemon.pid), "RSS MB": memory_mb(contestant.daemon.pid, "VmRSS"), "local": local_files(contestant),
            "WAL bytes": wal_bytes(contestant.db), "at": time.monotonic_ns()}


def requests_of(gateway, contestant):
    """(requests by kind, PUT by level, bytes of content read)"""
    kinds, levels, read = collections.Counter(), collections.Counter(), 0
    for request in gateway.requests(contestant.bucket)[1:]:  # without the bucket's making
        kinds[request.operation] += 1
        if request.operation in ("put", "complete"):
            levels[request.key.split("/")[1]] += 1
        elif request.operation == "get":
            sent = SENT.search(request.line)
            read += int(sent.group(1)) if sent else 0
    return kinds, levels, read


def arrivals_of(contestant, until):
    """As requests_of, of a directory: what arrived there since `before`. Ends the watch."""
    levels = collections.Counter(f"{int(pathlib.Path(path).parent.name):04}" for at, path in contestant.arrivals.times()
                                 if path.endswith(".ltx") and contestant.before["at"] < at <= until)
    return collections.Counter({"put": sum(levels.values())}), levels, 0


def objects_of(gateway, contestant):
    """Sizes of what is there."""
    if contestant.place == "s3":
        return list(gateway.client.objects(contestant.bucket).values())
    return [path.stat().st_size for path in contestant.replica.rglob("*.ltx")]


def figures_of(gateway, contestant):
    before, after = contestant.before, state_of(contestant)
    if contestant.place == "s3":
        kinds, levels, read = requests_of(gateway, contestant)
        kinds, levels, read = kinds - before["kinds"], levels - before["levels"], read - before["read"]
    else:
        kinds, levels, read = arrivals_of(contestant, after["at"])
    minutes = (after["at"] - before["at"]) / 60e9
    sizes = objects_of(gateway, contestant)
    figures = {"minutes": minutes, "requests": dict(kinds), "put by level": dict(sorted(levels.items())), "read KiB": read / 1024,
               "CPU s/min": (after["CPU s"] - before["CPU s"]) / minutes, "RSS MB": after["RSS MB"], "objects": len(sizes), "replica KiB": sum(sizes) / 1024,
               "WAL bytes": after["WAL bytes"] - before["WAL bytes"],
               "local files changed": sum(before["local"].get(name) != after["local"].get(name) for name in {*before["local"], *after["local"]})}
    return figures


def tables(results):
    """Markdown: requests, and what it costs beside them."""
    def cell(value):
        return f"{value:.3f}" if isinstance(value, float) and value < 10 else f"{value:.0f}" if isinstance(value, float) else str(value)
    lines = []
    for load, rows in results.items():
        columns = list(rows)
        lines += [f"| {load} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
        kinds = sorted({kind for figures in rows.values() for kind in figures["requests"]} | {"put", "list"})
        for kind in kinds:
            lines.append(f"| {kind.upper()} | " + " | ".join(str(rows[column]["requests"].get(kind, 0)) for column in columns) + " |")
        for level in sorted({level for figures in rows.values() for level in figures["put by level"]}):
            lines.append(f"| PUT in level {int(level, 16)} | " + " | ".join(str(rows[column]["put by level"].get(level, 0)) for column in columns) + " |")
        for name in ("read KiB", "CPU s/min", "RSS MB", "objects", "replica KiB", "WAL bytes", "local files changed", "minutes"):
            lines.append(f"| {name} | " + " | ".join(cell(rows[column][name]) for column in columns) + " |")
        lines.append("")
    return "\n".join(lines)


def measure(arguments, gateway, programs, work):
    import harness
    contestants = [Contestant(program.name, place, busy, work / f"{program.name}-{place}-{'busy' if busy else 'idle'}", f"steady-{uuid.uuid4().hex[:12]}")
                   for place in ("s3", "directory") for busy in (True, False) for program in programs]
    writers = []
    try:
        by_name = {program.name: program for program in programs}
        for contestant in contestants:
            start(contestant, by_name[contestant.program], gateway)
        harness.wait_for(lambda: all(objects_of(gateway, contestant) for contestant in contestants), "a first object everywhere", 120, pause=0.2)
        for contestant in contestants:
            if contestant.busy:
                writers.append(harness.Writer(contestant.db, contestant.dir / "writer.log", seconds=arguments.settle + arguments.seconds + 60, rate=1, rows=1))
        time.sleep(arguments.settle)
        for contestant in contestants:
            contestant.before = state_of(contestant)
            if contestant.place == "s3":
                contestant.before["kinds"], contestant.before["levels"], contestant.before["read"] = requests_of(gateway, contestant)
        time.sleep(arguments.seconds)
        results = {}
        for contestant in contestants:
            load = "one transaction per second" if contestant.busy else "idle"
            results.setdefault(load, {})[f"{contestant.program}, {contestant.place}"] = figures_of(gateway, contestant)
        return results
    finally:
        for process in writers + [each for contestant in contestants for each in (contestant.daemon, contestant.arrivals and contestant.arrivals.watch)]:
            if process:
                process.kill()


def main():
    arguments = parse()
    bench_run.prepare(arguments)
    import gateway
    import official
    import programs as contest
    try:
        server = gateway.Gateway.shared()
        programs = [contest.program(name) for name in arguments.programs.split(",")]
    except (unittest.SkipTest, official.Unavailable) as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 77
    work = pathlib.Path(tempfile.mkdtemp(prefix="litestream-steady-", dir=arguments.work))
    try:
        with unittest.mock.patch.dict(os.environ, server.environment(), clear=True):
            results = measure(arguments, server, programs, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"machine": bench_run.machine(), "results": results}, indent=1))
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(tables(results))
    print(tables(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
