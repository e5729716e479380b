"""What the S3 suites share: a gateway, a bucket of the test's own, the proxies, and judging by what is in the bucket."""

import os
import subprocess
import sys
import time
import unittest.mock
import uuid

import harness
from connect_proxy import ConnectProxy
from flaky import FaultProxy
from gateway import Gateway
from harness import wait_for

LONG = bool(os.environ.get("LITESTREAM_S3_LONG"))  # outages and idle times as long as in life


class S3TestCase(harness.TestCase):
    """`self.environment` is that of every program the test starts."""

    def find_gateway(self):
        return Gateway.shared()

    def setUp(self):
        self.gateway = self.find_gateway()
        super().setUp()
        self.bucket = self.new_bucket()
        patch = unittest.mock.patch.dict(os.environ, self.gateway.environment(), clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def new_bucket(self, name=None):
        name = name or f"test-{uuid.uuid4().hex[:16]}"
        self.gateway.client.make_bucket(name)
        return name

    def fault_proxy(self, **options):
        """Between the programs and the gateway, with TLS."""
        proxy = FaultProxy(("127.0.0.1", self.gateway.http_port), self.gateway.certificate, **options)
        self.addCleanup(proxy.close)
        return proxy

    def spaces(self, port=None):
        """From here on the hosts of DigitalOcean Spaces are the gateway, or what listens on `port`."""
        proxy = ConnectProxy(port or self.gateway.https_port)
        self.addCleanup(proxy.close)
        os.environ.update(proxy.environment())
        return proxy

    def url(self, port=None, path="db", bucket=None, **query):
        """A replica URL that names its endpoint. query: part_size=1 is part-size=1."""
        options = "".join(f"&{name.replace('_', '-')}={value}" for name, value in query.items())
        return f"s3://{bucket or self.bucket}/{path}?endpoint=https://localhost:{port or self.gateway.https_port}&region={self.gateway.region}{options}"

    def objects(self, prefix="db/", bucket=None):
        return self.gateway.client.objects(bucket or self.bucket, prefix)

    def wait_objects(self, at_least=1, prefix="db/", bucket=None, deadline=harness.DEADLINE):
        """Until that many are there: {key: size}."""
        def enough():
            found = self.objects(prefix, bucket)
            return found if len(found) >= at_least else None
        return wait_for(enough, f"{at_least} objects below {prefix}", deadline, pause=0.05)

    def run_program(self, *arguments, program=None, env=None, cwd=None):
        return subprocess.run([program or harness.PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, cwd=cwd or self.dir,
                              env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)

    def try_restore(self, source=None, *, env=None, **options):
        """As its parent's, with variables of its own."""
        with unittest.mock.patch.dict(os.environ, env or {}):
            return super().try_restore(source, **options)

    def start_program(self, *arguments, program=None, env=None):
        return self.start(harness.Replicator([program or harness.PROGRAM, *arguments], self._log("program"), env, cwd=self.dir))

    def stop_in_order(self, replicator):
        self.assertTrue(replicator.running(), f"it ended by itself: {replicator.output()[-2000:]}")
        self.assertEqual(0, replicator.stop(), replicator.output()[-2000:])


def errors_of(replicator):
    return [line for line in replicator.output().splitlines() if "level=ERROR" in line or '"level":"ERROR"' in line]


class Stopwatch:
    """For times that are part of the promise: measured at the gateway or the proxy, and printed."""

    def __init__(self, name):
        self.name = name
        self.started = time.monotonic()

    def stop(self):
        seconds = time.monotonic() - self.started
        print(f"{self.name}: {seconds:.3f} s", file=sys.stderr)
        return seconds
