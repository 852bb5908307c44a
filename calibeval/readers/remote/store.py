"""The one door to fsspec: which file system a URL belongs to, what it knows of a file, and a handle to read it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from calibeval.core.errors import FileProblem, nearest
from calibeval.readers.remote.part import OtherPart, part_of
from calibeval.readers.remote.words import in_words, lacking
from calibeval.readers.stored.place import Url

SCHEMES = ("s3", "gs", "hf", "https", "http")
SECONDS_TO_CONNECT, SECONDS_WITHOUT_BYTES = 30, 60  # of web servers, unless fsspec's settings say otherwise
ETAGS = ("ETag", "etag", "md5Hash", "blob_id", "Last-Modified", "LastModified", "mtime", "created")
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of a file. size, etag: None if it does not say.

    ranges: whether it may be asked for a part of the bytes. html: whether it says that it sends a web page.
    """

    size: int | None
    etag: str | None
    ranges: bool
    html: bool


@contextmanager
def said(url: Url) -> Iterator[None]:
    """Whatever a storage library raises, in words."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - these libraries share no base class for their errors
        raise in_words(error, url) from None


class Remote:
    """A remote file: each method is one request, or a few; used by several threads, one at a time."""

    def __init__(self, url: Url) -> None:
        self.url = url
        self._system, self._path = file_system(url)
        self._lock = threading.Lock()
        self._file: Any = None

    def facts(self) -> Facts:
        """What the server says now.

        Raises: FileProblem if there is no such file, or it cannot be asked.
        """
        with said(self.url), self._lock:
            self._system.invalidate_cache(self._path)
            found = self._system.info(self._path)
        if found.get("type") == "directory":
            raise FileProblem(f"{self.url}: a folder, but a file is needed")
        etag = next((str(found[key]).strip('"') for key in ETAGS if found.get(key) is not None), None)
        size = found.get("size")
        return Facts(
            None if size is None else int(size), etag, bool(found.get("partial", True)), found.get("mimetype") == HTML
        )

    def fetch(self, start: int, stop: int, size: int) -> bytes:
        """The bytes from start to stop, with one request. size: of the whole file.

        Raises: FileProblem if they cannot be read; NoRanges if a web server sends all of the file instead; OtherPart
        if it sends other bytes.
        """
        with self._lock:
            try:
                if self.url.web:
                    return self._part(start, stop, size)
                if self._file is None:
                    self._file = self._system.open(self._path, "rb", block_size=2**23, cache_type="none")
                self._file.seek(start)
                return bytes(self._file.read(stop - start))
            except OtherPart:
                raise
            except Exception as error:  # noqa: BLE001 - as in `said`
                raise in_words(error, self.url) from None

    def _part(self, start: int, stop: int, size: int) -> bytes:
        """A request of our own: fsspec's files of web servers take whatever part comes."""
        from fsspec.asyn import sync

        return bytes(sync(self._system.loop, part_of, self._system, self.url, self._path, (start, stop, size)))

    @contextmanager
    def stream(self) -> Iterator[Any]:
        """The bytes as a stream, from the beginning.

        Raises: FileProblem if they cannot be read.
        """
        options = {"block_size": 0} if self.url.web else {"block_size": 2**23, "cache_type": "readahead"}
        with said(self.url), self._system.open(self._path, "rb", **options) as stream:
            yield stream


def file_system(url: Url) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises: UsageError without fsspec, or the package for the scheme; FileProblem for a scheme that nobody knows.
    """
    try:
        import fsspec
    except ImportError as error:
        raise lacking(url, error) from None
    if url.scheme not in fsspec.available_protocols():
        hint = nearest(url.scheme, SCHEMES)
        known = ", ".join(f"{one}://" for one in SCHEMES)
        raise FileProblem(f"{url}: {url.scheme}:// is unknown{hint}; remote files are {known}")
    options: dict[str, Any] = {}
    with said(url):
        if url.web:
            options = _web_options(fsspec.config.conf, url)
        found = fsspec.core.url_to_fs(url.full, **options)
        return found[0], str(found[1])


def _web_options(settings: Any, url: Url) -> dict[str, Any]:
    """Options of web servers: limits of waiting, unless the user set some; and escaped URLs are left as they are."""
    options: dict[str, Any] = {"encoded": True} if "%" in url.full else {}
    if not any("client_kwargs" in settings.get(scheme, {}) for scheme in ("http", "https")):
        import aiohttp

        waiting = aiohttp.ClientTimeout(total=None, sock_connect=SECONDS_TO_CONNECT, sock_read=SECONDS_WITHOUT_BYTES)
        options["client_kwargs"] = {"timeout": waiting}
    return options
