"""moto's S3 server on the loopback, which counts what it sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.readers.remote.serving import Sent


@dataclass
class Bucket:
    """A bucket of the server, and what was sent of it. denied: keys that it answers with error 403."""

    name: str = "bucket"
    address: str = ""
    client: Any = None
    sent: list[Sent] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which a program reaches it."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "very-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, key: str, content: bytes) -> str:
        """Store an object, and return its URL; what was sent before is forgotten."""
        self.client.put_object(Bucket=self.name, Key=key, Body=content)
        self.sent.clear()
        return f"s3://{self.name}/{key}"

    @property
    def bodies(self) -> list[Sent]:
        """The objects, or parts of them, that were sent."""
        return [one for one in self.sent if one.method == "GET" and one.path.count("/") > 1 and one.size]

    @property
    def total(self) -> int:
        """Bytes of all bodies."""
        return sum(one.size for one in self.bodies)


@contextmanager
def s3_server(name: str = "bucket") -> Iterator[Bucket]:
    """moto's S3 on a free port, with one empty bucket of that name; the environment tells s3fs, as users do."""
    import boto3
    import fsspec
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    bucket = Bucket(name)
    app = _counted(DomainDispatcherApplication(create_backend_app), bucket)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    bucket.address = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in bucket.environment.items():
            patch.setenv(variable, value)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        bucket.client = boto3.client("s3", endpoint_url=bucket.address)
        bucket.client.create_bucket(Bucket=bucket.name)
        try:
            yield bucket
        finally:
            bucket.client.close()
            fsspec.get_filesystem_class("s3").clear_instance_cache()
            server.shutdown()
            server.server_close()
            thread.join()


def _counted(app: Any, bucket: Bucket) -> Any:
    """The application; each answer is noted."""

    def answer(environ: dict[str, Any], start: Any) -> Any:
        if environ["PATH_INFO"].rpartition("/")[2] in bucket.denied:
            start("403 Forbidden", [("Content-Length", "0")])
            return [b""]
        body = b"".join(app(environ, start))
        part = environ.get("HTTP_RANGE")
        bucket.sent.append(Sent(environ["REQUEST_METHOD"], environ["PATH_INFO"], part, len(body)))
        return [body]

    return answer
