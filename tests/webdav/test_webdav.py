"""Replicas on real WebDAV servers: replicated, killed, restored, through faults, and beside the official program."""

import os
import subprocess
import sys

import davserver
import harness
import official

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "s3"))
from flaky import FaultProxy  # noqa: E402


class WebdavTestCase(harness.TestCase):
    def serve(self, *arguments, **options):
        server = davserver.DavServer(*arguments, **options)
        self.addCleanup(server.close)
        return server

    def yml(self, server, path="db", port=None, password=None, top=False):
        """The same replica by its keys: at the top level, or with the replica."""
        quote = lambda text: "'" + text.replace("'", "''") + "'"
        keys = {"webdav-url": f"{'https' if server.tls else 'http'}://localhost:{port or server.port}", "webdav-username": server.user,
                "webdav-password": password or server.password}
        lines = [f"{name}: {quote(value)}" for name, value in keys.items()]
        text = "".join(line + "\n" for line in lines if top) + f"dbs:\n- path: {self.db}\n  replicas:\n  - type: webdav\n    path: {path}\n"
        file = self.dir / "litestream.yml"
        file.write_text(text + "".join(f"    {line}\n" for line in lines if not top))
        return file

    def replicate_with(self, file, program=harness.PROGRAM, env=None):
        return self.start(harness.Replicator([program, "replicate", "-config", file], self._log("replicate"), env))

    def errors_of(self, replicator):
        return [line for line in replicator.output().splitlines() if "level=ERROR" in line]


class ReplicateTestCase(WebdavTestCase):
    def kill_and_restore(self, server, **options):
        url = server.replica_url("a b/db")
        file = self.yml(server, "/a b/db", **options)
        newest = self.write_now(count=3, rows=8000)["newest"]  # so much that the seed goes in chunks
        for _ in range(3):
            replicator = self.replicate_with(file)
            newest = self.write_now(count=20, rows=5)["newest"]
            self.wait_restorable(newest, url)
            replicator.kill()
        replicator = self.replicate_with(file)
        newest = self.write_now(chaos=True, rows=3, processes=2, seconds=1, gap="0-3")["newest"]
        self.wait_restorable(newest, url)
        self.assertEqual(0, replicator.stop())
        self.assert_same_database(self.db, self.restore(url))
        self.assertGreater(max(server.files("a b/db").values()), 1 << 20)

    def test_ToApacheWithKill(self):
        self.kill_and_restore(self.serve("apache"))

    def test_ToNginxWithKill(self):
        self.kill_and_restore(self.serve("nginx"), top=True)

    def test_ThroughTlsWithDigest(self):
        server = self.serve("apache", tls=True, login="digest")
        os.environ.update(server.environment())
        self.addCleanup(os.environ.pop, "SSL_CERT_FILE")
        replicator = self.replicate(server.replica_url())
        newest = self.write_now(count=20, rows=5)["newest"]
        self.judge(self.wait_restorable(newest, server.replica_url()), exactly=newest)
        self.assertEqual(0, replicator.stop())

    def test_ByIni(self):
        server = self.serve("apache")
        file = self.dir / "litestream.ini"
        file.write_text(f"[litestream]\nwebdav-url = {server.origin}\nwebdav-username = {server.user}\nwebdav-password = {server.password}\n"
                        f"[database app]\npath = {self.db}\n[replica app.dav]\ntype = webdav\npath = db\n")
        replicator = self.replicate_with(file)
        newest = self.write_now(count=5)["newest"]
        self.wait_restorable(newest, server.replica_url())
        self.assertEqual(0, replicator.stop())
        self.assertEqual([], replicator.complaints())

    def test_AtATimeOfThePast(self):
        server = self.serve("apache")
        url = server.replica_url()
        replicator = self.replicate(url)
        for n in (1, 2, 3):
            self.write_now(count=1)
            self.wait_restorable(n, url)
        self.assertEqual(0, replicator.stop())
        # The server's times say nothing: the headers do.
        times = []
        for key in sorted(server.files()):
            file = server.root / "db" / key
            if key.startswith("ltx/0/"):
                times.append(int.from_bytes(file.read_bytes()[32:40], "big"))
            os.utime(file, (1_000_000_000, 1_000_000_000))
        verdicts = []
        for time_ms in times[1:]:
            stamp = subprocess.run(["date", "-u", "-d", f"@{time_ms / 1000:.3f}", "+%Y-%m-%dT%H:%M:%S.%3NZ"], capture_output=True, text=True, check=True).stdout.strip()
            verdicts.append(self.judge(self.restore(url, flags=["-timestamp", stamp]))["n"])
        self.assertEqual(sorted(set(verdicts)), verdicts)
        self.assertLess(verdicts[-1], 3)


class DeniedTestCase(WebdavTestCase):
    def test_AWrongPassword(self):
        for login in ("basic", "digest"):
            server = self.serve("apache", login=login)
            out, error = self.try_restore(server.replica_url(password="not this one"))
            self.assertIsNone(out)
            self.assertIn("status 401). Check webdav-username and webdav-password", error)
            self.assertNotIn("not this one", error)
            self.assertNotIn("not%20this", error)

    def test_ACertificateThatNobodyTrusts(self):
        server = self.serve("apache", tls=True)
        out, error = self.try_restore(server.replica_url())
        self.assertIsNone(out)
        self.assertIn("certificate", error)
        out, error = self.try_restore(server.replica_url() + "?skip-verify=true")
        self.assertIn("no matching backup files available" if "matching" in error else "no", error)
        self.assertNotIn("certificate", error)


class FaultTestCase(WebdavTestCase):
    def test_FaultsHealWithoutAnError(self):
        server = self.serve("apache")
        proxy = FaultProxy(("127.0.0.1", server.port))
        self.addCleanup(proxy.close)
        replicator = self.replicate(server.replica_url(port=proxy.port))
        newest = self.write_now(count=5, rows=5)["newest"]
        self.wait_restorable(newest, server.replica_url())
        # One in three: more in a row would use up the attempts of a call. MOVE is among the others.
        for fault in ("reset-before", "reset-in-request", "reset-in-response", "cut", "lose-response", "internal-error"):
            proxy.fail(fault, "put", skip=2)
        for fault in ("lose-response", "reset-before", "internal-error"):
            proxy.fail(fault, "other", skip=4)
        newest = self.write_now(count=60, rows=5, gap="20-60")["newest"]
        self.wait_restorable(newest, server.replica_url(), deadline=harness.HEALING)
        self.assertGreater(len(proxy.fired()), 5)
        self.assertEqual(0, replicator.stop())
        self.assertEqual([], self.errors_of(replicator))
        self.judge(self.restore(server.replica_url()), exactly=newest)

    def test_AServerThatIsAwayForAWhile(self):
        server = self.serve("apache")
        replicator = self.replicate(server.replica_url())
        newest = self.write_now(count=5)["newest"]
        self.wait_restorable(newest, server.replica_url())
        server.stop()
        self.write_now(count=5)
        server.start()
        newest = self.write_now(count=5)["newest"]
        self.wait_restorable(newest, server.replica_url(), deadline=harness.HEALING)
        self.assertEqual(0, replicator.stop())


class OfficialTestCase(WebdavTestCase):
    def setUp(self):
        super().setUp()
        self.theirs = official.get("0.5.17")
        self.server = self.serve("apache")
        self.url = self.server.replica_url()

    def round(self, program):
        replicator = self.replicate(self.url, program=program)
        newest = self.write_now(count=20, rows=5)["newest"]
        self.wait_restorable(newest, self.url, program=program)
        replicator.stop()
        for name, other in (("ours", harness.PROGRAM), ("theirs", self.theirs)):
            self.judge(self.restore(self.url, program=other, name=f"{name}.db"), at_least=newest)

    def test_RestoresOursAndGoesOn(self):
        for program in (harness.PROGRAM, self.theirs, harness.PROGRAM):
            self.round(program)
        self.assertTrue(any(key.startswith("ltx/0/") for key in self.server.files()))

    def test_WeRestoreTheirsAndGoOn(self):
        for program in (self.theirs, harness.PROGRAM, self.theirs):
            self.round(program)
