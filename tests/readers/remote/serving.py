"""Web servers on the loopback that know ranges, or do not; each counts what it sent."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


class Sent(NamedTuple):
    """One answer. part: the range that was asked for, as text; None for all. size: bytes of the body."""

    method: str
    path: str
    part: str | None
    size: int


@dataclass
class Shelf:
    """What a server serves, and what it has sent.

    files: by path. ranges: whether it sends parts. etag: of every file. odd: answers of its own by path. announced:
    whether it says how many bytes come.
    """

    ranges: bool = True
    announced: bool = True
    etag: str | None = "first"
    html: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    odd: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    address: str = ""

    @property
    def bodies(self) -> list[Sent]:
        """The answers that had a body."""
        return [one for one in self.sent if one.method == "GET"]

    @property
    def total(self) -> int:
        """Bytes of all bodies."""
        return sum(one.size for one in self.bodies)

    def reset(self) -> None:
        """As new, at the same address."""
        self.__init__(address=self.address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shelf: Shelf

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        shelf, path = self.shelf, self.path.partition("?")[0]
        if path in shelf.odd:
            self.close_connection = True
            shelf.odd[path](self)
            return
        data = shelf.files.get(path)
        if data is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        asked = self.headers.get("Range")
        match = RANGE.match(asked) if asked and shelf.ranges else None
        whole = len(data)
        if match:
            start, stop = int(match[1]), min(int(match[2] or whole), whole - 1) + 1
            data = data[start:stop]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{whole}")
        else:
            self.send_response(200)
        if shelf.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if shelf.etag is not None:
            self.send_header("ETag", f'"{shelf.etag}"')
        self.send_header("Content-Type", "text/html" if shelf.html else "application/octet-stream")
        if shelf.announced:
            self.send_header("Content-Length", str(len(data)))
        else:
            self.close_connection = True
            self.send_header("Connection", "close")
        shelf.sent.append(Sent(self.command, path, asked, len(data) if body else 0))  # before who asked can go on
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # who asked has gone
            super().handle()


@contextmanager
def web_server() -> Iterator[Shelf]:
    """A web server on a free port."""
    shelf = Shelf()
    handler = type("Handler", (_Handler,), {"shelf": shelf})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    shelf.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answering(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"", wait: float = 0.0
) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer of its own: headers as they are given, be they wrong or not."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(wait)
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body)

    return answer
