"""A proxy before the gateway that fails on purpose. It ends TLS itself, so that it sees what is asked.

    with FaultProxy(("127.0.0.1", gateway.http_port), gateway.certificate) as proxy:
        proxy.fail("lose-response", "put")               # the next PUT of an object
        proxy.fail("slow-down", "any", count=None)       # everything, until proxy.heal()

The faults, by name:
  reset-before          RST when the request's head has come; nothing reaches the gateway
  reset-in-request      RST in the middle of its body (or behind its head, when it has none)
  reset-in-response     RST in the middle of the response
  cut                   the same with an orderly end: a response shorter than it says
  lose-response         the gateway does what was asked; its answer is replaced by a RST
  stale                 RST when a connection is used again: what a client sees whose idle connection was dropped
  blackhole             everything is read, nothing forwarded or answered
  slow-down             503 SlowDown; slow-down-after-1 with Retry-After: 1
  internal-error        500; too-many-requests: 429
  delay                 two seconds before the request goes on
  throttle              THROTTLE bytes per second, both ways
  flip                  one bit of the response: in the middle of an object, in the first byte of any other content, else of the status
refuse() closes the port, accept() opens it again.

A `witness` learns what went through to the gateway: began(change) before the gateway can act, ended(change, status) when it has answered whole, of a change
before the client learns of it; status None = nobody knows what it did or will still do.
"""

import contextlib
import dataclasses
import re
import socket
import ssl
import struct
import threading
import time
import urllib.parse
import xml.etree.ElementTree

import s3client

ERRORS = {"slow-down": (503, "SlowDown", None), "slow-down-after-1": (503, "SlowDown", 1), "internal-error": (500, "InternalError", None),
          "too-many-requests": (429, "TooManyRequests", None)}
FAULTS = ("reset-before", "reset-in-request", "reset-in-response", "cut", "lose-response", "stale", "blackhole", *ERRORS, "delay", "throttle", "flip")
CHUNK = 65536
DELAY = 2.0  # seconds


@dataclasses.dataclass(frozen=True)
class Asked:
    """What came through the proxy."""
    operation: str
    method: str
    host: str
    target: str
    scope: str  # of the signature: region/service/aws4_request
    connection: int
    at: float  # time.monotonic() when its head had come
    fault: str | None


@dataclasses.dataclass(frozen=True, eq=False)
class Change:
    """A request for objects on its way to the gateway."""
    operation: str
    keys: tuple  # with the bucket; of a delete all of them


@dataclasses.dataclass
class Rule:
    fault: str
    operation: str
    count: int | None  # None: until healed
    skip: int

    def takes(self, operation, reused):
        return self.count != 0 and self.operation in ("any", operation) and (self.fault != "stale" or reused)


class Gone(Exception):
    """Ends a connection; `abruptly` with a RST."""

    def __init__(self, abruptly):
        super().__init__()
        self.abruptly = abruptly


class FaultProxy:
    """Thread-safe. Addresses are (host, port); certificate is (certificate file, key file), or None for plain HTTP."""

    def __init__(self, target, certificate=None, throttle=64 * 1024, witness=None):
        self.target, self.throttle, self.witness = target, throttle, witness
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self._lock = threading.Lock()  # guards what follows
        self._rules, self._asked, self._open = [], [], set()
        self._peak = self._count = 0
        self._listener = None
        self.port = 0
        self.accept()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.refuse()
        self.hang_up()

    # -- what goes wrong --------------------------------------------------------------------------------------------------------------

    def fail(self, fault, operation="any", count=1, skip=0):
        """`count` requests of `operation` (see s3client.operation_of) after the first `skip` meet the fault; None: all of them."""
        if fault not in FAULTS:
            raise ValueError(f"unknown fault {fault}")
        with self._lock:
            self._rules.append(Rule(fault, operation, count, skip))

    def heal(self):
        """No faults from now on. What a blackhole holds is reset, as by a router that has lost its state."""
        with self._lock:
            self._rules.clear()
            held = [connection for connection in self._open if connection.swallowing]
        for connection in held:
            connection.reset()

    def refuse(self):
        """Connection refused. What is open is reset."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.hang_up()

    def accept(self):
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = listener.getsockname()[1]
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def hang_up(self):
        """Resets every connection."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.reset()

    # -- what has happened ------------------------------------------------------------------------------------------------------------

    def asked(self, operation=None):
        with self._lock:
            return [asked for asked in self._asked if operation in (None, asked.operation)]

    def fired(self):
        """The requests that met a fault."""
        return [asked for asked in self.asked() if asked.fault]

    def peak(self):
        """The largest number of connections at any time."""
        with self._lock:
            return self._peak

    def opened(self):
        """The number of connections so far."""
        with self._lock:
            return self._count

    # -- inside -----------------------------------------------------------------------------------------------------------------------

    def _serve(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if self._listener is not listener:
                    client.close()
                    return
                self._count += 1
                connection = Connection(self, client, self._count)
                self._open.add(connection)
                self._peak = max(self._peak, len(self._open))
            threading.Thread(target=connection.run, daemon=True).start()

    def forget(self, connection):
        with self._lock:
            self._open.discard(connection)

    def choose(self, connection, method, target, fields):
        """Notes the request; returns its operation and the name of its fault, or None."""
        url = urllib.parse.urlsplit(target)
        host = fields.get("host", "")
        scope = re.search(r"Credential=[^/]*/\d{8}/([^,]*)", fields.get("authorization", ""))
        virtual_host = re.match(r"[^.]+\.[a-z0-9]+\.digitaloceanspaces\.com", host) is not None
        bucket, _, key = url.path[1:].partition("/")
        operation = s3client.operation_of(method, url.path[1:] if virtual_host else key, dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)))
        with self._lock:
            fault = None
            rule = next((rule for rule in self._rules if rule.takes(operation, connection.requests > 0)), None)
            if rule and rule.skip:
                rule.skip -= 1
            elif rule:
                fault = rule.fault
                rule.count = rule.count and rule.count - 1
            self._asked.append(Asked(operation, method, host, target, scope.group(1) if scope else "", connection.number, time.monotonic(), fault))
        return operation, fault


class Connection:
    """One client's connection and the one to the gateway behind it; requests go through one after another."""

    def __init__(self, proxy, raw, number):
        self.proxy, self.raw, self.number = proxy, raw, number
        self.client, self.server = raw, None
        self.requests = 0
        self.swallowing = self.doomed = False
        self.slow = False
        self.answer = None  # status of the last response that came whole
        self.due = 0.0  # time.monotonic() from which a throttled connection may send again

    def run(self):
        abruptly = False
        try:
            self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.proxy.tls:
                self.client = self.proxy.tls.wrap_socket(self.raw, server_side=True, suppress_ragged_eofs=True)
            self.server = socket.create_connection(self.proxy.target)
            self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pending = b""
            while not self.doomed:  # a reset in the middle of the handshake finds no socket to wake
                pending = self.one_request(pending)
                self.requests += 1
        except Gone as end:
            abruptly = end.abruptly
        except (OSError, ValueError):
            pass  # one of the two sides ended in its own way
        finally:
            self.close(abruptly or self.doomed)
            self.proxy.forget(self)

    def reset(self):
        """From any thread: wakes the connection's own, which alone can close for good, and does it with a RST."""
        self.doomed = True
        for side, how in ((self.raw, socket.SHUT_RD), (self.client, socket.SHUT_RD), (self.server, socket.SHUT_RDWR)):
            with contextlib.suppress(OSError):
                if side:
                    socket.socket.shutdown(side, how)

    def close(self, abruptly):
        with contextlib.suppress(OSError):
            if abruptly:
                self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                socket.socket.shutdown(self.client, socket.SHUT_RDWR)
        self.client.close()
        if self.server:
            self.server.close()

    def receive(self, source):
        data = source.recv(CHUNK)
        if not data:
            raise Gone(abruptly=False)
        return data

    def send(self, target, data):
        if not self.slow:
            target.sendall(data)
            return
        step = max(1, self.proxy.throttle // 20)
        for start in range(0, len(data), step):
            part = data[start:start + step]
            target.sendall(part)
            self.due = max(self.due, time.monotonic()) + len(part) / self.proxy.throttle
            time.sleep(max(0.0, self.due - time.monotonic()))

    def head(self, source, pending):
        """(head with its blank line, what came behind it)"""
        while b"\r\n\r\n" not in pending:
            pending += self.receive(source)
        head, blank, rest = pending.partition(b"\r\n\r\n")
        return head + blank, rest

    def one_request(self, pending):
        head, rest = self.head(self.client, pending)
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        fields = headers_of(head)
        operation, fault = self.proxy.choose(self, method, target, fields)
        length = int(fields.get("content-length", 0))
        self.slow = fault == "throttle"
        if fault in ("reset-before", "stale"):
            raise Gone(abruptly=True)
        if fault == "blackhole":
            self.swallow()
        if fault in ERRORS:
            return self.refuse(fault, method, fields, rest, length)
        if fault == "delay":
            time.sleep(DELAY)
        if self.proxy.witness and method == "POST" and operation == "delete":
            while len(rest) < length:
                rest += self.receive(self.client)
        with self.witnessed(operation, target, rest[:length]):
            rest, early = self.forward_request(head, fields, rest, length, half=fault == "reset-in-request")
            self.forward_response(method, operation, fault, early)
        return rest

    @contextlib.contextmanager
    def witnessed(self, operation, target, body):
        self.change = None
        if not self.proxy.witness:
            yield
            return
        self.change = change_of(operation, target, body)
        self.proxy.witness.began(self.change)
        try:
            yield
        finally:
            self.answered(None)

    def answered(self, status):
        """The first call counts."""
        change, self.change = self.change, None
        if change:
            self.proxy.witness.ended(change, status)

    def swallow(self):
        self.swallowing = True
        while self.client.recv(CHUNK):
            pass
        raise Gone(abruptly=False)

    def refuse(self, fault, method, fields, rest, length):
        if "100-continue" in fields.get("expect", ""):
            self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(rest) < length:
            rest += self.receive(self.client)
        status, code, after = ERRORS[fault]
        body = b"" if method == "HEAD" else f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>on purpose</Message></Error>".encode()
        retry = f"Retry-After: {after}\r\n" if after is not None else ""
        self.client.sendall(f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\n{retry}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return rest[length:]

    def forward_request(self, head, fields, rest, length, half):
        """Returns what came behind the request, and what of the response has come already."""
        self.send(self.server, head)
        early = b""
        if "100-continue" in fields.get("expect", "") and not rest:
            interim, early = self.head(self.server, b"")
            if status_of(interim) != 100:
                return b"", interim + early
            self.client.sendall(interim)
        sent = 0
        while sent < length:
            rest = rest or self.receive(self.client)
            part, rest = rest[:length - sent], rest[length - sent:]
            sent += len(part)
            if half and sent * 2 >= length:
                break
            self.send(self.server, part)
        if half:
            raise Gone(abruptly=True)
        return rest, early

    def forward_response(self, method, operation, fault, pending):
        head, rest = self.head(self.server, pending)
        while status_of(head) == 100:
            self.client.sendall(head)
            head, rest = self.head(self.server, rest)
        fields = headers_of(head)
        length = 0 if method == "HEAD" or status_of(head) in (204, 304) else int(fields.get("content-length", 0))
        chunked = "chunked" in fields.get("transfer-encoding", "")
        if fault in ("lose-response", "reset-in-response", "cut", "flip") or chunked:
            body = self.chunks(rest) if chunked else self.exactly(rest, length)
            self.answered(status_of(head))
            self.spoiled(operation, fault, head, body, chunked)
            return
        if operation not in ("get", "head", "list"):
            rest = self.exactly(rest, length)
            self.answered(status_of(head))
        self.send(self.client, head)
        sent = 0
        while sent < length:
            rest = rest or self.receive(self.server)
            self.send(self.client, rest)
            sent += len(rest)
            rest = b""
        self.answered(status_of(head))
        if fields.get("connection", "").lower() == "close":
            raise Gone(abruptly=False)

    def exactly(self, rest, length):
        while len(rest) < length:
            rest += self.receive(self.server)
        return rest

    def chunks(self, rest):
        """A chunked body as it is on the wire."""
        while not (rest == b"0\r\n\r\n" or rest.endswith(b"\r\n0\r\n\r\n")):
            rest += self.receive(self.server)
        return rest

    def spoiled(self, operation, fault, head, body, chunked):
        whole = head + body
        if fault == "lose-response":
            raise Gone(abruptly=True)
        if fault == "flip":
            content = len(head) + (body.index(b"\r\n") + 2 if chunked else 0)
            at = content + (len(whole) - content) // 2 if operation == "get" else content if body else 0
            whole = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:]
        if fault in ("reset-in-response", "cut"):
            self.send(self.client, whole[:len(head) + len(body) // 2] if body else whole[:len(head) // 2])
            raise Gone(abruptly=fault == "reset-in-response")
        self.send(self.client, whole)


def change_of(operation, target, body):
    path = urllib.parse.unquote(urllib.parse.urlsplit(target).path)[1:]
    if operation != "delete" or not body:
        return Change(operation, (path,))
    bucket = path.partition("/")[0]
    names = (entry.text for entry in xml.etree.ElementTree.fromstring(body).iter() if entry.tag.rpartition("}")[2] == "Key")
    return Change(operation, tuple(f"{bucket}/{name}" for name in names))


def headers_of(head):
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


def status_of(head):
    return int(head.split(b" ", 2)[1])
