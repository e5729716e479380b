"""Real WebDAV servers for tests: Apache with mod_dav and nginx with dav-ext, each with a configuration of its own on a free loopback port.

    with DavServer("apache") as server:        # or "nginx"; tls=True, login="digest"
        server.url, server.user, server.password, server.root

Raises SkipTest where the server is not installed.
"""

import base64
import ctypes
import hashlib
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

USER, PASSWORD = "replica user", "p@ss:w/ord+%41"  # with what is awkward in a URL
REALM = "replicas"
MODULES = "mpm_event authn_core authn_file authz_core authz_user auth_basic auth_digest dav dav_fs dav_lock ssl socache_shmcb"
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

APACHE = """
ServerRoot {dir}
ServerName localhost
PidFile {dir}/pid
ErrorLog {dir}/error.log
LogLevel warn
Listen 127.0.0.1:{port}
{modules}
{identity}
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 16
ServerLimit 1
DavLockDB {dir}/locks/db
DocumentRoot {root}
KeepAliveTimeout 5
AccessFileName none
{tls}
<Directory {root}>
  Dav On
  Options None
  AuthType {login}
  AuthName {realm}
  AuthUserFile {dir}/users
  {digest}
  Require valid-user
</Directory>
"""

NGINX = """
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
daemon off;
{identity}
worker_processes 1;
pid {dir}/pid;
error_log {dir}/error.log warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {dir}/temporary;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location / {{
      auth_basic "{realm}";
      auth_basic_user_file {dir}/users;
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS;
      dav_access user:rw;
    }}
  }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def end_with_this_process():
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)


class DavServer:
    def __init__(self, kind="apache", tls=False, login="basic"):
        self.kind, self.tls, self.login = kind, tls, login
        self.user, self.password = USER, PASSWORD
        self.program = shutil.which({"apache": "apache2"}.get(kind, kind), path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not self.program or kind == "nginx" and not os.path.exists("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"):
            raise unittest.SkipTest(f"{kind} with WebDAV is not installed. Run apps/packages.sh")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="litestream-webdav-"))
        self.root = self.dir / "root"
        self.process = None
        self.port = free_port()
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def origin(self):
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def replica_url(self, path="db", port=None, password=None):
        """webdav://USER:PASSWORD@..."""
        quoted = [urllib.parse.quote(text, safe="") for text in (self.user, password or self.password)]
        return f"webdav{'s' if self.tls else ''}://{':'.join(quoted)}@localhost:{port or self.port}/{path}"

    def environment(self):
        """For programs that are to trust its certificate."""
        return {"SSL_CERT_FILE": str(self.dir / "server.pem")} if self.tls else {}

    def prepare(self):
        for directory in (self.root, self.dir / "locks"):
            directory.mkdir()
            if os.geteuid() == 0 and self.kind == "apache":
                shutil.chown(directory, "www-data", "www-data")
        self.dir.chmod(0o755)
        if self.tls:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key", "-out", "server.pem"], cwd=self.dir, check=True, capture_output=True)
        if self.login == "digest":
            users = f"{USER}:{REALM}:{hashlib.md5(f'{USER}:{REALM}:{PASSWORD}'.encode()).hexdigest()}\n"
        else:
            users = f"{USER}:{{SHA}}{base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()}\n"
        (self.dir / "users").write_text(users)
        (self.dir / "conf").write_text(self.configuration())

    def configuration(self):
        is_root = os.geteuid() == 0
        values = {"dir": self.dir, "root": self.root, "port": self.port, "realm": REALM, "login": self.login.capitalize()}
        if self.kind == "nginx":
            return NGINX.format(identity="user root;" if is_root else "", **values)
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES.split())
        tls = f"SSLEngine on\nSSLCertificateFile {self.dir}/server.pem\nSSLCertificateKeyFile {self.dir}/server.key" if self.tls else ""
        return APACHE.format(modules=modules, identity="User www-data\nGroup www-data" if is_root else "", tls=tls,
                             digest="AuthDigestProvider file" if self.login == "digest" else "", **values)

    def start(self):
        """Returns when it answers."""
        command = {"apache": [self.program, "-DFOREGROUND", "-f", self.dir / "conf"], "nginx": [self.program, "-p", self.dir, "-c", self.dir / "conf"]}[self.kind]
        with open(self.dir / "output", "ab") as output:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True, preexec_fn=end_with_this_process)
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                    return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError(f"{self.kind} does not start: {self.output()}")

    def output(self):
        return "".join((self.dir / name).read_text(errors="replace")[-1500:] for name in ("output", "error.log") if (self.dir / name).exists())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- what is there, from behind the server's back ------------------------------------------------------------------------------------

    def files(self, path="db"):
        """{key: size} of all files below a folder, unfinished ones too."""
        base = self.root / path
        return {str(file.relative_to(base)): file.stat().st_size for file in sorted(base.rglob("*")) if file.is_file() and ".DAV" not in file.parts}
