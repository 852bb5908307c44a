"""The files that a remote folder, a pattern or a numbered name stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from calibeval.core.errors import FileProblem
from calibeval.readers.remote.store import Remote, file_system, said
from calibeval.readers.stored.place import Url
from calibeval.readers.stored.shard_names import HIDDEN_NAMES, NUMBERED, PATTERN

MOST_NUMBERED = 100_000


def remote_shards(url: Url, *, folder: bool) -> list[Url] | None:
    """The files that a name stands for, in any order; None for the name of one file.

    folder: whether a name without a slash at its end is that of a folder, since it has no suffix of a format.
    Raises: FileProblem if there are none, or a web server, which lists no files, would have to be asked for them.
    """
    path = str(url).partition("://")[2]
    path = path.partition("/")[2] if url.web else path  # a host may be [::1]
    if PATTERN.search(path):
        _need_listing(url, "a pattern")
        matching = _glob(url, lambda path: path)
        if not matching and _is_file(url):
            return None
        return _found(url, matching, "no file matches this pattern")
    if path.endswith("/") or (folder and not url.web):
        _need_listing(url, "a folder")
        return _found(url, _inside(url), "there is no such folder, or it holds no files")
    match = NUMBERED.match(url.name)
    if match is None:
        return None
    if url.web:
        return _numbered(url, match)
    pattern = f"{_escaped(match['stem'])}*-of-*{_escaped(match['rest'])}"
    names = _glob(url, lambda path: f"{path[: len(path) - len(url.name)]}{pattern}")
    alike = [one for one in names if (other := NUMBERED.match(one.name)) and other["stem"] == match["stem"]]
    return _found(url, alike, "there is no such file")


def _need_listing(url: Url, what: str) -> None:
    if url.web:
        raise FileProblem(f"{url}: {what}, but a web server does not list its files: name each file, or NAME-1-of-N")


def _found(url: Url, urls: Iterable[Url], none: str) -> list[Url]:
    found = [one for one in urls if one.name and not one.name.startswith(HIDDEN_NAMES)]
    if not found:
        raise FileProblem(f"{url}: {none}")
    return found


def _glob(url: Url, pattern: Callable[[str], str]) -> list[Url]:
    """The files that match a pattern, which is made of the path in the store."""
    system, path = file_system(url)
    with said(url):
        system.invalidate_cache()
        return [_url(url, name) for name in system.glob(pattern(path))]


def _is_file(url: Url) -> bool:
    """Whether there is a file of this very name."""
    system, path = file_system(url)
    with said(url):
        return bool(system.isfile(path))


def _inside(url: Url) -> list[Url]:
    """The files of a folder."""
    system, path = file_system(url)
    with said(url):
        system.invalidate_cache()
        listed = system.ls(path, detail=True)
    folder = next((one for one in listed if one["type"] == "directory"), None)
    if folder is not None:
        name = folder["name"].rstrip("/").rpartition("/")[2]
        raise FileProblem(f"{url}: holds the folder {name}, but shards are files: name them with a pattern")
    return [_url(url, one["name"]) for one in listed]


def _url(url: Url, name: str) -> Url:
    """The URL of a file that a listing named."""
    slashes = "" if url.scheme != "memory" else "/"
    return Url(f"{url.scheme}://{slashes}{name.lstrip('/')}")


def _numbered(url: Url, match: re.Match[str]) -> list[Url]:
    """The files of a web server that a numbered name implies: their numbers begin at 0 or 1."""
    number, count, width = int(match["number"]), int(match["count"]), len(match["number"])
    if not 0 < count <= MOST_NUMBERED or number > count:
        raise FileProblem(f"{url}: shard {number} of {count} cannot be")

    def one(i: int) -> Url:
        name = f"{match['stem']}{i:0{width}d}-of-{match['count']}{match['rest']}"
        at = url.full.rindex(url.name)
        return Url(f"{url.full[:at]}{name}{url.full[at + len(url.name) :]}")

    first = 0 if number == 0 else 1
    if 0 < number < count:
        try:
            Remote(one(0)).facts()
            first = 0
        except FileProblem:
            first = 1
    return [one(i) for i in range(first, first + count)]


def _escaped(text: str) -> str:
    """A text that stands for itself in a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", text)
