"""Ours beside the official programs and s3cmd, all against the same S3 gateway on loopback, with TLS:

    python3 tests/bench/s3.py --rounds 3 --json result.json --markdown result.md

upload: a first start on 1 GiB, half of it incompressible, until its object is there; restore: the way back; lag: one-row commits every 50 to 450 ms at
default settings. `alone` is s3cmd with the plain file, where it is installed. Rounds are interleaved as in run.py; --quick shows that the bench works.
"""

import dataclasses
import os
import pathlib
import shutil
import sys
import time
import unittest.mock
import uuid

import run as bench_run

sys.path.insert(0, str(bench_run.HERE.parent / "s3"))

CONFIG = """\
dbs:
  - path: {db}
    replicas:
      - type: s3
        bucket: {bucket}
        path: db
        endpoint: {endpoint}
        region: {region}
"""


@dataclasses.dataclass(frozen=True)
class Place:
    """A bucket of its own, and what a program must know about it."""
    gateway: object
    bucket: str
    run: pathlib.Path

    def config(self, db):
        path = self.run / "litestream.yml"
        path.write_text(CONFIG.format(db=db, bucket=self.bucket, endpoint=self.gateway.endpoint, region=self.gateway.region))
        return path

    def wait_first(self, replicator):
        import harness

        def arrived():
            if not replicator.running():
                raise RuntimeError(replicator.output()[-500:])
            return self.gateway.client.objects(self.bucket)
        harness.wait_for(arrived, "the first object", 900, pause=0.02)


class S3Bench:
    def __init__(self, work, quick, gateway):
        import figures
        self.local = figures.Bench(work, quick)
        self.gateway = gateway

    def place(self, run):
        bucket = f"bench-{uuid.uuid4().hex[:12]}"
        self.gateway.client.make_bucket(bucket)
        return Place(self.gateway, bucket, run)

    def forget(self, place):
        self.gateway.client.empty(place.bucket)


def s3cmd(gateway, *arguments):
    return ["s3cmd", f"--host=localhost:{gateway.https_port}", f"--host-bucket=localhost:{gateway.https_port}/%(bucket)", f"--ca-certs={gateway.ca}",
            f"--access_key={gateway.owner.access_key}", f"--secret_key={gateway.owner.secret_key}", "--config=/dev/null", "--no-progress", "--quiet", *arguments]


def upload(bench, program):
    """From the start of the process to the complete object."""
    from measure import cpu_seconds, memory_mb, run_child, scratch
    with scratch(bench.local.work, "upload") as run:
        db = bench.local.copy_of(bench.local.template(bench.local.gib), run / "app.db")
        place = bench.place(run)
        megabytes = db.stat().st_size / 1e6
        try:
            if program is None:
                wall, cpu, peak = run_child(s3cmd(bench.gateway, "put", str(db), f"s3://{place.bucket}/app.db"), run / "s3cmd.log")
            else:
                began = time.monotonic()
                replicator = start(program, place.config(db), run)
                try:
                    place.wait_first(replicator)
                    wall, cpu, peak = time.monotonic() - began, cpu_seconds(replicator.pid), memory_mb(replicator.pid, "VmHWM")
                finally:
                    replicator.kill()
        finally:
            bench.forget(place)
        return {"seconds": wall, "MB/s": megabytes / wall, "CPU s": cpu, "peak RSS MB": peak}


def start(program, config, run):
    import harness
    return harness.Replicator([program.path, "replicate", "-config", config], run / "replicate.log")


def restore(bench, program):
    from measure import make_durable, run_child, scratch
    with scratch(bench.local.work, "restore") as run:
        db = bench.local.copy_of(bench.local.template(bench.local.gib), run / "app.db")
        place = bench.place(run)
        out = run / "restored.db"
        try:
            if program is None:
                run_child(s3cmd(bench.gateway, "put", str(db), f"s3://{place.bucket}/app.db"), run / "s3cmd.log")
                command = s3cmd(bench.gateway, "get", f"s3://{place.bucket}/app.db", str(out))
            else:
                config = place.config(db)
                replicator = start(program, config, run)
                place.wait_first(replicator)
                replicator.stop()
                command = [program.path, "restore", "-config", config, "-o", out, db]
            wall, cpu, peak = run_child(command, run / "restore.log")
            wall += make_durable(out)
            megabytes = out.stat().st_size / 1e6
        finally:
            bench.forget(place)
        return {"seconds": wall, "MB/s": megabytes / wall, "CPU s": cpu, "peak RSS MB": peak}


def lag(bench, program):
    """From the return of COMMIT to the gateway's time of the first object that holds it; looked up in the objects themselves afterwards."""
    import harness
    from figures import write
    from measure import cpu_seconds, decode, lags_ms, percentile, scratch
    if program is None:
        return {}
    with scratch(bench.local.work, "lag") as run:
        db, place = run / "app.db", bench.place(run)
        write(db, run, count=1).summary()
        replicator = start(program, place.config(db), run)
        try:
            place.wait_first(replicator)
            time.sleep(2)
            (run / "commits").unlink()
            before, began = cpu_seconds(replicator.pid), time.monotonic()
            write(db, run, seconds=bench.local.seconds(60, 5), gap="50-450").summary()
            cpu = (cpu_seconds(replicator.pid) - before) / (time.monotonic() - began) * 60
            replicator.stop()
        finally:
            replicator.kill()
        to_monotonic = time.monotonic_ns() - time.time_ns()
        listed = sorted(bench.gateway.client.listing(place.bucket).items(), key=lambda entry: entry[1][1])
        lines = []
        for key, (_, modified) in listed:
            path = run / "objects" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bench.gateway.client.get(place.bucket, key))
            lines.append(f"{int(modified * 1e9) + to_monotonic} {path}\n")
        (run / "arrivals").write_text("".join(lines))
        commits = [(n, ns) for n, ns, *_ in harness.commits_of(run / "commits")]
        lags = lags_ms(commits, [(ns, n) for ns, n, _ in decode(run / "arrivals")])
        bench.forget(place)
        return {"lag p50 ms": percentile(lags, 0.5), "lag p99 ms": percentile(lags, 0.99), "CPU s/min": cpu}


def main():
    arguments = bench_run.parse(__doc__)
    bench_run.prepare(arguments)
    import gateway
    with_s3cmd = shutil.which("s3cmd") is not None
    figures = {"upload": (upload, with_s3cmd), "restore": (restore, with_s3cmd), "lag": (lag, False)}
    try:
        server = gateway.Gateway.shared()
    except unittest.SkipTest as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 77
    with unittest.mock.patch.dict(os.environ, server.environment(), clear=True):
        return bench_run.compare(arguments, figures, lambda work: S3Bench(work, arguments.quick, server))


if __name__ == "__main__":
    sys.exit(main())
