"""The gateway and the fault proxy do what the other suites rely on, seen by a client that knows nothing of either."""

import dataclasses
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

import gateway as gateways
import s3client
from flaky import DELAY, FaultProxy
from gateway import Gateway
from harness import wait_for


class ProxyTestCase(unittest.TestCase):
    """Without TLS, for the client knows none; s3case's suites use it with TLS."""

    def setUp(self):
        self.gateway = Gateway.shared()
        self.proxy = FaultProxy(("127.0.0.1", self.gateway.http_port))
        self.addCleanup(self.proxy.close)
        keys = self.gateway.owner
        self.client = s3client.Client(("127.0.0.1", self.proxy.port), keys.access_key, keys.secret_key, self.gateway.region)
        self.bucket = f"proxy-{os.getpid()}-{self._testMethodName.lower().replace('_', '-')}"
        self.client.make_bucket(self.bucket)
        self.client.put(self.bucket, "there", b"0123456789" * 1000)

    def stored(self):
        return set(self.gateway.client.objects(self.bucket))

    def meets(self, fault, operation, error, call):
        self.proxy.fail(fault, operation)
        with self.assertRaises(error) as caught:
            call()
        self.assertEqual([fault], [asked.fault for asked in self.proxy.fired()])
        call()  # once only
        return caught.exception

    def put(self):
        self.client.put(self.bucket, "new", b"x" * 100000)

    def get(self):
        return self.client.get(self.bucket, "there")

    def test_ResetBefore(self):
        self.meets("reset-before", "put", ConnectionError, self.put)

    def test_ResetInRequest(self):
        self.proxy.fail("reset-in-request", "put")
        self.assertRaises(ConnectionError, self.put)
        self.assertEqual({"there"}, self.stored())

    def test_ResetInResponse(self):
        self.meets("reset-in-response", "get", ConnectionError, self.get)

    def test_Cut(self):
        self.meets("cut", "get", s3client.http.client.IncompleteRead, self.get)

    def test_LostResponse(self):
        self.proxy.fail("lose-response", "put")
        self.assertRaises(ConnectionError, self.put)
        self.assertEqual({"there", "new"}, self.stored())

    def test_StaleConnection(self):
        self.proxy.fail("stale")
        self.get()
        connection = s3client.http.client.HTTPConnection("127.0.0.1", self.proxy.port)
        connection.request("GET", "/")
        connection.getresponse().read()
        with self.assertRaises(ConnectionError):
            connection.request("GET", "/")
            connection.getresponse()

    def test_Blackhole(self):
        self.proxy.fail("blackhole", "get")
        with socket.create_connection(("127.0.0.1", self.proxy.port)) as client:
            client.sendall(b"GET /b/k HTTP/1.1\r\n\r\n")
            wait_for(self.proxy.fired, "the blackhole")
            client.settimeout(0.2)
            self.assertRaises(TimeoutError, client.recv, 1)
            self.proxy.heal()
            client.settimeout(10)
            self.assertRaises(ConnectionError, client.recv, 1)

    def test_RefusesAndAcceptsAgain(self):
        self.proxy.refuse()
        self.assertRaises(ConnectionRefusedError, self.get)
        self.proxy.accept()
        self.get()

    def test_Errors(self):
        for fault, status in (("slow-down", 503), ("slow-down-after-1", 503), ("internal-error", 500), ("too-many-requests", 429)):
            self.proxy.fail(fault, "put")
            with self.assertRaises(s3client.Failure) as caught:
                self.put()
            self.assertEqual(status, caught.exception.status)
        self.assertEqual({"there"}, self.stored())

    def test_Delay(self):
        self.proxy.fail("delay", "get")
        began = time.monotonic()
        self.get()
        self.assertGreaterEqual(time.monotonic() - began, DELAY)

    def test_Throttle(self):
        self.proxy.throttle = 20000
        self.proxy.fail("throttle", "get")
        began = time.monotonic()
        self.get()
        self.assertGreaterEqual(time.monotonic() - began, 0.4)

    def test_Flip(self):
        whole = self.get()
        self.proxy.fail("flip", "get")
        damaged = self.get()
        self.assertEqual(1, sum(bin(a ^ b).count("1") for a, b in zip(whole, damaged)))
        self.assertEqual(len(whole), len(damaged))

    def test_KnowsTheOperations(self):
        self.proxy.fail("internal-error", "delete", skip=1)
        self.put()
        self.client.remove(self.bucket, "new")
        self.put()
        self.assertRaises(s3client.Failure, self.client.remove, self.bucket, "new")
        self.assertEqual(["put", "delete", "put", "delete"], [asked.operation for asked in self.proxy.asked() if asked.operation in ("put", "delete")][1:])


class GatewayTestCase(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway.shared()

    def test_RefusesAWrongSecret(self):
        wrong = dataclasses.replace(self.gateway.owner, secret_key="wrong")
        client = s3client.Client(("127.0.0.1", self.gateway.http_port), wrong.access_key, wrong.secret_key, self.gateway.region)
        with self.assertRaises(s3client.Failure) as caught:
            client.objects("some-bucket")
        self.assertEqual(403, caught.exception.status)
        self.assertIn(b"SignatureDoesNotMatch", caught.exception.body)

    def test_ItsAccessLogTellsWhatWasAsked(self):
        bucket = f"log-{os.getpid()}"
        self.gateway.client.make_bucket(bucket)
        self.gateway.client.put(bucket, "a/b+c d", b"x")
        self.gateway.client.objects(bucket, "a/")
        requests = wait_for(lambda: (found := self.gateway.requests(bucket))[2:] and found, "three requests in the log")
        self.assertEqual([("PUT", "", 200), ("PUT", "a/b+c d", 200), ("GET", "", 200)], [(r.method, r.key, r.status) for r in requests])
        self.assertEqual({"list-type": "2", "prefix": "a/"}, requests[2].query)

    def test_ItsCertificateCoversTheHostsOfSpaces(self):
        trust = ssl.create_default_context(cafile=self.gateway.ca)
        for host in ("nyc3.digitaloceanspaces.com", "space.nyc3.digitaloceanspaces.com", "localhost", "127.0.0.1"):
            with socket.create_connection(("127.0.0.1", self.gateway.https_port)) as raw, trust.wrap_socket(raw, server_hostname=host):
                pass
        with socket.create_connection(("127.0.0.1", self.gateway.https_port)) as raw, self.assertRaises(ssl.SSLCertVerificationError):
            trust.wrap_socket(raw, server_hostname="other.example")

    def test_EndsWithItsOwnerAndLeavesNothing(self):
        code = "import gateway; g = gateway.private(); g.kill(); g.restart(); g.client.make_bucket('bucket'); print(g.dir, flush=True); input()"
        owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=pathlib.Path(__file__).parent)
        directory = owner.stdout.readline().strip()
        supervisor, _ = gateways.supervisor_of(directory)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdin.close()
        owner.stdout.close()
        wait_for(lambda: not pathlib.Path(f"/proc/{supervisor}").exists(), "the end of the supervisor")
        self.assertFalse(pathlib.Path(directory).exists())
        self.assertEqual([], [process for process in pathlib.Path("/proc").glob("[0-9]*/cmdline") if directory.encode() in read(process)])


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
