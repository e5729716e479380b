"""Runs a command against the gateway, with a bucket of its own: `run_with_gateway.py COMMAND...`. Exit code 77 where there is no gateway.

The command finds LITESTREAM_S3_ENDPOINT, LITESTREAM_S3_HTTP_ENDPOINT (without TLS), LITESTREAM_S3_BUCKET, LITESTREAM_S3_REGION, LITESTREAM_S3_CA (the
authority's certificate), AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

import os
import subprocess
import sys
import unittest
import uuid

from gateway import Gateway


def main():
    try:
        gateway = Gateway.shared()
    except unittest.SkipTest as reason:
        print(reason)
        return 77
    bucket = f"test-{uuid.uuid4().hex[:16]}"
    gateway.client.make_bucket(bucket)
    environment = {"LITESTREAM_S3_ENDPOINT": gateway.endpoint, "LITESTREAM_S3_HTTP_ENDPOINT": f"http://127.0.0.1:{gateway.http_port}",
                   "LITESTREAM_S3_BUCKET": bucket, "LITESTREAM_S3_REGION": gateway.region, "LITESTREAM_S3_CA": str(gateway.ca),
                   "AWS_ACCESS_KEY_ID": gateway.owner.access_key, "AWS_SECRET_ACCESS_KEY": gateway.owner.secret_key}
    return subprocess.run(sys.argv[1:], env={**os.environ, **environment}).returncode


sys.exit(main())
