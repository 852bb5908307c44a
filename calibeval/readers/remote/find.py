"""A file by its place, which may be remote, and what is known of it once it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from calibeval.core.data.source import RemoteFacts
from calibeval.core.errors import FileProblem
from calibeval.readers.remote.copied import CopiedFile, copied
from calibeval.readers.remote.file import RangedFile
from calibeval.readers.remote.pages import PAGE
from calibeval.readers.remote.store import Facts, NoRanges, Remote
from calibeval.readers.remote.told import tell
from calibeval.readers.stored.digest import Background, Extent, checked_sha256
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.regular import opened
from calibeval.readers.stored.steady import SteadyFile

LARGE = 2**26  # bytes; where fewer are copied, nobody needs to hear of it


def steady_file(place: Place, limits: Limits, *, whole: bool = False) -> SteadyFile:
    """The file at a place. whole: whether its format needs all bytes, in their order: then a remote file is copied.

    It is copied, too, if its server sends whole files only.
    Raises: FileProblem if it is missing, or cannot be read; InputError, UsageError as the server's answers require.
    """
    if isinstance(place, Path):
        return SteadyFile.of(place)
    remote = Remote(place)
    first = remote.facts()
    if first.html:
        raise FileProblem(
            f"{place}: the server sends a web page (HTML) instead of the file, perhaps an error or a form to log in"
        )
    if whole:
        file = copied(remote, first, limits)
        if file.size >= LARGE:
            what = f"{place.suffix or 'this format'} is read from beginning to end"
            better = "of .npz, .safetensors and .parquet only what is needed is"
            tell(f"{file.name}: all {file.size:,} bytes were copied, once, as {what}; {better}")
        return file
    if not first.ranges or first.size is None:
        return _without_ranges(remote, first, limits)
    ranged = RangedFile.at(remote, first, first.size)
    if place.web and first.size > PAGE:
        try:
            ranged.pages.page((first.size - 1) // PAGE)  # formats with an index have it at the end
        except NoRanges:
            return _without_ranges(remote, first, limits)
    return ranged


def _without_ranges(remote: Remote, first: Facts, limits: Limits) -> SteadyFile:
    """A copy of a file that its server sends only as a whole."""
    file = copied(remote, first, limits)
    tell(f"{file.name}: all {file.size:,} bytes were copied, once, as the server does not send parts of a file")
    return file


def settling(file: SteadyFile, extents: Sequence[Extent]) -> Callable[[], str | None]:
    """Starts what is computed of the whole file in the background; what it returns waits for the SHA-256.

    That is None for a remote file of which not all bytes were read.
    """
    if isinstance(file, RangedFile):
        return lambda: file.sha256(extents)
    return Background(lambda: checked_sha256(file, extents)).result


def sha256_of(file: SteadyFile, extents: Sequence[Extent]) -> str | None:
    """The same at once, after the checksums inside it were verified."""
    return file.sha256(extents) if isinstance(file, RangedFile) else checked_sha256(file, extents)


def remote_facts(file: SteadyFile) -> RemoteFacts | None:
    """What is known of a remote file; None for a file on this machine."""
    if not isinstance(file, RangedFile | CopiedFile):
        return None
    return RemoteFacts(file.size, file.checks.first.etag, "ranges" if isinstance(file, RangedFile) else "whole")


@contextmanager
def descriptor_of(place: Place) -> Iterator[int]:
    """A descriptor of a file, or of a copy of a remote one, for reading.

    Raises: as `steady_file`.
    """
    if isinstance(place, Path):
        with opened(place) as descriptor:
            yield descriptor
        return
    file = steady_file(place, Limits(), whole=True)
    with file.open() as stream:
        yield stream.fileno()
