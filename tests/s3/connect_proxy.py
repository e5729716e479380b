"""An HTTP proxy for HTTPS_PROXY that sends the hosts of DigitalOcean Spaces to a port on loopback, and nothing anywhere else.

So the literal host names of the guide work, with certificates and all, and without touching the machine's name resolution.
"""

import re
import socket
import socketserver
import threading

SPACES = re.compile(r"CONNECT ((?:[A-Za-z0-9.-]+\.)?[a-z0-9]+\.digitaloceanspaces\.com):443 HTTP/1\.[01]\r\n")


class ConnectProxy:
    """target_port may be changed at any time; it counts for connections made from then on."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.hosts = []  # those that were asked for
        self.refused = []  # the first line of everything else
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def environment(self):
        return {"HTTPS_PROXY": self.url, "https_proxy": self.url, "NO_PROXY": "", "no_proxy": ""}

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.request.recv(65536)
            if not data:
                return
            head += data
        line = head.decode("latin-1").split("\r\n")[0]
        wanted = SPACES.match(line + "\r\n")
        if not wanted:
            self.server.owner.refused.append(line)
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        self.server.owner.hosts.append(wanted.group(1))
        try:
            target = socket.create_connection(("127.0.0.1", self.server.owner.target_port))
        except OSError:
            self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with target:
            threading.Thread(target=copy, args=(target, self.request), daemon=True).start()
            copy(self.request, target)


def copy(source, target):
    """Until the source ends; then the target gets its end as well."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for side in (source, target):
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
