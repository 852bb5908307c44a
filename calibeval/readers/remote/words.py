"""What storage libraries raise, in words; none of their texts is repeated that could hold a password or a signature."""

from __future__ import annotations

import re
from collections.abc import Iterator

from calibeval.core.errors import CalibevalError, FileProblem, UsageError, first_line
from calibeval.readers.stored.place import Url
from calibeval.readers.stored.steady import changed

PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub"}
WEB_PACKAGE = "aiohttp"
MISSING = ("nosuchkey", "nosuchbucket", "not found", "does not exist")
DENIED = ("accessdenied", "access denied", "forbidden", "unauthorized", "invalidaccesskey", "signature")
LATE = ("timeout", "timed out")
UNREACHED = ("connect", "name resolution", "getaddrinfo", "name or service", "resolve", "network is unreachable")
CUT_SHORT = ("payload", "content-length", "contentlength", "incompleteread", "not enough data", "transfer")
CODE = re.compile(r"(?<![\w.:])40[134]\b")  # of an answer, and not a part of a port
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
STATUS = {
    401: "no permission (401): it wants credentials, which fsspec takes from its own settings",
    403: "no permission (403): these credentials, or none, may not read it",
    404: "there is no such file (404)",
}


def in_words(error: BaseException, url: Url) -> CalibevalError:
    """What went wrong at a URL. error: what fsspec, or a library below it, raised.

    >>> in_words(FileNotFoundError("x"), Url("s3://bucket/a.npz"))
    FileProblem('s3://bucket/a.npz: there is no such file, or no such bucket')
    >>> in_words(OSError("An error occurred (403) when calling HeadObject"), Url("s3://bucket/a.npz"))
    FileProblem('s3://bucket/a.npz: no permission (403): these credentials, or none, may not read it')
    >>> in_words(OSError("Cannot connect to host 127.0.0.1:40352"), Url("http://127.0.0.1:40352/a.npz"))
    FileProblem('http://127.0.0.1:40352/a.npz: the server cannot be reached')
    """
    if isinstance(error, CalibevalError):
        return error
    if any(getattr(one, "status", None) == 412 or "expired" in type(one).__name__.lower() for one in _chain(error)):
        return changed(url.name)  # the answer of a server that compares ETags, as s3fs makes it do
    missing = next((one for one in _chain(error) if isinstance(one, ImportError)), None)
    if missing is not None:
        return lacking(url, missing)
    return FileProblem(f"{url}: {_reason(error, url)}")


def lacking(url: Url, error: ImportError) -> UsageError:
    """That the package for a scheme is not installed, or cannot be imported."""
    package = WEB_PACKAGE if url.web else PACKAGES.get(url.scheme)
    if error.name == "fsspec":
        return UsageError(f"{url}: reading remote files needs fsspec: pip install 'calibeval[remote]'")
    if package is None:
        return UsageError(f"{url}: reading {url.scheme}:// needs another package ({_safe(error)})")
    own = f" {package}" if package in ("gcsfs", "huggingface_hub") else ""
    return UsageError(f"{url}: reading {url.scheme}:// needs {package}: pip install 'calibeval[remote]'{own}")


def _reason(error: BaseException, url: Url) -> str:
    chain = [*_chain(error)]
    status = next((code for one in chain if isinstance(code := getattr(one, "status", None), int)), None)
    code = None if status is not None else CODE.search(" ".join(map(_safe, chain)))
    status = int(code[0]) if code else status
    kinds = " ".join(type(one).__name__.lower() for one in chain)
    texts = f"{kinds} {' '.join(_safe(one).lower() for one in chain)}"
    if status is not None and status >= 400:
        return STATUS.get(status, f"the server answers with error {status}")
    if "toomanyredirects" in kinds:
        return "the server redirects without end"
    if any(isinstance(one, TimeoutError) for one in chain) or any(word in texts for word in LATE):
        return "the server does not answer in time"
    if any(isinstance(one, PermissionError) for one in chain) or any(word in texts for word in DENIED):
        return "no permission: these credentials, or none, may not read it"
    if "nocredentials" in kinds or "credentials" in texts:
        return "no credentials were found; fsspec takes them from its own settings, such as AWS_PROFILE"
    if any(word in texts for word in CUT_SHORT):
        return "the server ended its answer early, or sent another number of bytes than it said"
    if any(word in texts for word in UNREACHED) or any(isinstance(one, ConnectionError) for one in chain):
        return "the server cannot be reached"
    if any(isinstance(one, FileNotFoundError) for one in chain) or any(word in texts for word in MISSING):
        return "there is no such file" if url.web else "there is no such file, or no such bucket"
    if any(isinstance(one, IsADirectoryError) for one in chain):
        return "a folder, but a file is needed"
    return f"cannot be read ({_safe(error)})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those behind it, from the first cause to the last message."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    yield from reversed(found)


def _safe(error: BaseException) -> str:
    """The first line of an error without URLs, and its kind."""
    return f"{type(error).__name__}: {URL.sub('URL', first_line(error))}"
