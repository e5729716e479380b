"""The few S3 requests that tests make themselves, signed with SigV4. Plain HTTP, path style, one connection per request."""

import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree


def operation_of(method, key, query):
    """What a request is about: put, create, part, complete, abort, get, head, list, list-uploads, delete or other."""
    if method == "PUT" and key:
        return "part" if "partNumber" in query else "put"
    if method == "POST":
        return "create" if "uploads" in query else "complete" if "uploadId" in query else "delete" if "delete" in query else "other"
    if method == "DELETE" and key:
        return "abort" if "uploadId" in query else "delete"
    if method == "GET":
        return "get" if key else "list-uploads" if "uploads" in query else "other" if "location" in query else "list"
    return "head" if method == "HEAD" else "other"


def encode(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-_.~")


class Failure(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:500]!r}")
        self.status = status
        self.body = body


class Client:
    def __init__(self, address, access_key, secret_key, region):
        self.address, self.access_key, self.secret_key, self.region = address, access_key, secret_key, region

    def request(self, method, bucket, key="", query=None, body=b"", expect=(200, 204), headers=None):
        """`headers` are not signed."""
        path = "/" + bucket + (f"/{encode(key, '/')}" if key else "")
        text = "&".join(f"{encode(k)}={encode(v)}" for k, v in sorted((query or {}).items()))
        host = "{}:{}".format(*self.address)
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            connection.request(method, path + ("?" + text if text else ""), body, {**self._signed(method, path, text, host, body), **(headers or {})})
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if response.status not in expect:
            raise Failure(response.status, data)
        return data

    def _signed(self, method, path, query, host, body):
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": host, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": moment}
        names = ";".join(headers)
        canonical = "\n".join([method, path, query, *(f"{k}:{v}" for k, v in headers.items()), "", names, headers["x-amz-content-sha256"]])
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret_key).encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        return headers

    def make_bucket(self, bucket):
        self.request("PUT", bucket)

    def objects(self, bucket, prefix=""):
        """{key: size} of everything below a prefix."""
        return {key: size for key, (size, _) in self.listing(bucket, prefix).items()}

    def listing(self, bucket, prefix=""):
        """{key: (size, LastModified as seconds since 1970)} of everything below a prefix."""
        return {key: (size, modified) for key, (size, modified, _) in self.entries(bucket, prefix).items()}

    def entries(self, bucket, prefix=""):
        """{key: (size, LastModified as seconds since 1970, ETag)} of everything below a prefix."""
        found, token = {}, None
        while True:
            query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
            page = xml.etree.ElementTree.fromstring(self.request("GET", bucket, query=query))
            name = page.tag.removesuffix("ListBucketResult")
            for entry in page.iter(f"{name}Contents"):
                modified = datetime.datetime.fromisoformat(entry.findtext(f"{name}LastModified"))
                found[entry.findtext(f"{name}Key")] = int(entry.findtext(f"{name}Size")), modified.timestamp(), entry.findtext(f"{name}ETag")
            token = page.findtext(f"{name}NextContinuationToken")
            if not token:
                return found

    def unfinished(self, bucket):
        """The keys of uploads in parts that were begun, and neither completed nor aborted."""
        page = xml.etree.ElementTree.fromstring(self.request("GET", bucket, query={"uploads": ""}))
        name = page.tag.removesuffix("ListMultipartUploadsResult")
        return [entry.findtext(f"{name}Key") for entry in page.iter(f"{name}Upload")]

    def get(self, bucket, key):
        return self.request("GET", bucket, key)

    def head_of(self, bucket, key, size):
        """Its first `size` bytes."""
        return self.request("GET", bucket, key, expect=(206,), headers={"Range": f"bytes=0-{size - 1}"})

    def put(self, bucket, key, body):
        self.request("PUT", bucket, key, body=body)

    def remove(self, bucket, key):
        self.request("DELETE", bucket, key)

    def empty(self, bucket):
        for key in self.objects(bucket):
            self.remove(bucket, key)

    def set_policy(self, bucket, policy):
        """A JSON text; an empty one takes the policy away."""
        if policy:
            self.request("PUT", bucket, query={"policy": ""}, body=policy.encode())
        else:
            self.request("DELETE", bucket, query={"policy": ""})
