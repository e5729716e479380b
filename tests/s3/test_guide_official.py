"""The official program finds in the fixtures of the guide's tests what it finds at DigitalOcean; its own errors show that those tests can fail."""

import http.client

import official
from guide import BLOCK_1, BLOCK_2, BLOCK_3, URL, GuideTestCase, deeper, leaks, with_colons
from harness import wait_for


class OfficialGuideTestCase(GuideTestCase):
    def setUp(self):
        super().setUp()
        self.theirs = official.get("0.5.17")

    def test_TheLiteralCommands(self):
        self.give_keys(self.gateway.owner)
        self.replicate_all(self.db, URL, program=self.theirs)
        self.assert_equals_source(self.restored(URL, program=self.theirs))
        self.assertEqual({"nyc3.digitaloceanspaces.com:443"}, {f"{host}:443" for host in self.connect.hosts})

    def test_ALowerCaseSpaceIsAVirtualHost(self):
        self.give_keys(self.gateway.owner)
        space = f"s3://{self.bucket}.nyc3.digitaloceanspaces.com/db"
        replicator = self.start_program("replicate", self.db, space, program=self.theirs)
        self.write_now(count=3)
        self.wait_objects()
        self.stop_in_order(replicator)
        self.assertEqual({f"{self.bucket}.nyc3.digitaloceanspaces.com"}, {asked.host for asked in self.proxy.asked()})
        self.assert_equals_source(self.restored(space, program=self.theirs))

    def test_TheSecondFile(self):
        self.give_keys(self.gateway.owner)
        self.replicate_all("-config", self.config(BLOCK_2), program=self.theirs)
        self.assert_equals_source(self.restored("-config", self.dir / "litestream.yml", self.db, program=self.theirs))

    def test_TheColonForms(self):
        for name, text in (("global", BLOCK_1), ("replica", BLOCK_3)):
            with self.subTest(keys=name):
                config = self.config(with_colons(text))
                self.replicate_all("-config", config, program=self.theirs)
                self.assert_equals_source(self.restored("-config", config, self.db, program=self.theirs))

    def test_TheEqualsFormsAreRefusedByThem(self):
        for text in (BLOCK_1, BLOCK_3):
            done = self.run_program("databases", "-config", self.config(text), program=self.theirs)
            self.assertEqual(1, done.returncode)
            self.assertIn("yaml: line", done.stderr)

    def test_TheirDeeperFormLeaksTheSecret(self):
        self.give_keys(self.gateway.owner)
        self.write_now(count=1)
        replicator = self.start_program("replicate", "-config", self.config(deeper(BLOCK_3)), program=self.theirs)
        wait_for(lambda: [asked for asked in self.proxy.asked() if leaks(asked.target)], "the secret in a request")
        self.assertTrue(leaks(replicator.output()))

    def test_NothingElseCanBeReached(self):
        for destination in ("s3.eu-west-1.amazonaws.com:443", "nyc3.digitaloceanspaces.com:80", "127.0.0.1:443"):
            proxy = http.client.HTTPConnection(self.connect.url.removeprefix("http://"))
            proxy.set_tunnel(destination)
            with self.assertRaisesRegex(OSError, "403"):
                proxy.connect()
        self.assertEqual([], self.connect.hosts)
