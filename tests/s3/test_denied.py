"""What only a person can mend: the error names the remedy, the process stays, and goes on by itself when the cause is gone."""

import json
import os
import pathlib
import uuid

import s3client
from gateway import Keys
from harness import ours_only, wait_for
from s3case import S3TestCase, errors_of


def policy(bucket, user, *actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam:::user/{user}"]}, "Action": [f"s3:{action}" for action in actions],
         "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]})


READ = ("ListBucket", "GetObject", "GetBucketLocation")
WRITE = (*READ, "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts")
RECOVERY = 180.0  # seconds: what was refused is asked again after a pause


@ours_only
class DeniedTestCase(S3TestCase):
    def use(self, keys):
        os.environ.update(AWS_ACCESS_KEY_ID=keys.access_key, AWS_SECRET_ACCESS_KEY=keys.secret_key)

    def complains(self, remedy, space=None, env=None):
        """A replicator with one transaction to send that names the remedy and stays; and the transaction."""
        newest = self.write_now(count=2)["newest"]
        replicator = self.replicate(space or self.url(), env=env)
        error = wait_for(lambda: errors_of(replicator), "an error")[0]
        self.assertRegex(error, remedy)
        self.assertTrue(replicator.running())
        return replicator, newest

    def heals(self, replicator, newest, space=None):
        wait_for(lambda: "replica sync recovered" in replicator.output(), "the recovery", RECOVERY)
        self.wait_restorable(newest, source=space or self.url())
        self.assertLess(len(errors_of(replicator)), 10, "one cause fills the log")
        self.stop_in_order(replicator)
        self.assert_same_database(self.db, self.restore(space or self.url()))

    def test_AWrongSecret(self):
        user = f"user-{uuid.uuid4().hex[:8]}"
        right = self.gateway.new_user(user)
        self.gateway.client.set_policy(self.bucket, policy(self.bucket, user, *WRITE))
        wrong = Keys(right.access_key, Keys.random().secret_key)
        self.use(wrong)
        replicator, newest = self.complains(r"(?i)SignatureDoesNotMatch.*secret")
        self.gateway.change_secret(user, wrong)  # from now on it is the right one
        self.heals(replicator, newest)

    def test_AnUnknownKey(self):
        user, keys = f"user-{uuid.uuid4().hex[:8]}", Keys.random()
        self.use(keys)
        replicator, newest = self.complains(r"(?i)InvalidAccessKeyId.*key")
        self.gateway.new_user(user, keys)
        self.gateway.client.set_policy(self.bucket, policy(self.bucket, user, *WRITE))
        self.heals(replicator, newest)

    def test_AnUnknownBucket(self):
        bucket = f"missing-{uuid.uuid4().hex[:12]}"
        space = self.url(bucket=bucket)
        replicator, newest = self.complains(r"(?i)NoSuchBucket.*(create|spell|name)", space)
        self.gateway.client.make_bucket(bucket)
        self.heals(replicator, newest, space)

    def test_AReadOnlyKey(self):
        self.gateway.client.set_policy(self.bucket, policy(self.bucket, "reader", *READ))
        self.use(self.gateway.reader)
        replicator, newest = self.complains(r"(?i)AccessDenied.*(write|permission|allow)")
        self.gateway.client.set_policy(self.bucket, policy(self.bucket, "reader", *WRITE))
        self.heals(replicator, newest)

    def test_AReadOnlyKeyRestores(self):
        newest = self.write_now(count=2)["newest"]
        replicator = self.replicate(self.url())
        self.wait_restorable(newest, source=self.url())
        self.stop_in_order(replicator)
        self.gateway.client.set_policy(self.bucket, policy(self.bucket, "reader", *READ))
        self.use(self.gateway.reader)
        self.assertRaises(s3client.Failure, self.reader().put, self.bucket, "new", b"x")
        self.assert_same_database(self.db, self.restore(self.url()))

    def reader(self):
        keys = self.gateway.reader
        return s3client.Client(("127.0.0.1", self.gateway.http_port), keys.access_key, keys.secret_key, self.gateway.region)

    def test_AClockThatIsWrong(self):
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            self.skipTest("faketime is not installed. Run apps/packages.sh")
        clock = self.dir / "clock"
        clock.write_text("+20m\n")
        env = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1", "NO_FAKE_STAT": "1", "ASAN_OPTIONS": "verify_asan_link_order=0"}
        newest = self.write_now(count=2)["newest"]
        replicator = self.replicate(self.url(), env=env)
        # Its requests bear the store's time instead, so only a warning is left to give.
        self.wait_restorable(newest, source=self.url())
        self.assertRegex("\n".join(replicator.complaints()), "(?i)clock.*1200s")
        self.assertEqual([], errors_of(replicator))
        self.assert_same_database(self.db, self.restore(self.url()))
        self.stop_in_order(replicator)

    def test_NoCredentials(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.pop(name)
        home = self.dir / "home"
        home.mkdir()
        os.environ.update(HOME=str(home), AWS_EC2_METADATA_DISABLED="true", AWS_SHARED_CREDENTIALS_FILE=str(home / "credentials"))
        replicator, newest = self.complains(r"LITESTREAM_ACCESS_KEY_ID|AWS_ACCESS_KEY_ID|access-key-id")
        keys = self.gateway.owner
        (home / "credentials").write_text(f"[default]\naws_access_key_id = {keys.access_key}\naws_secret_access_key = {keys.secret_key}\n")
        self.heals(replicator, newest)

    def test_AnUntrustedCertificate(self):
        replicator, newest = self.complains(r"(?i)certificate.*(SSL_CERT_FILE|AWS_CA_BUNDLE|skip-verify)", env={"SSL_CERT_FILE": "", "SSL_CERT_DIR": str(self.dir)})
        self.assertFalse(self.objects())
        self.assertEqual(1, replicator.stop())
        self.assertFalse([request for request in self.gateway.requests(self.bucket) if request.operation == "put" and request.user == "-"])
