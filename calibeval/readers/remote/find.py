"""A file by its place, which may be remote, and what is known of it once it was read.

Everything that only remote files need is imported where one is named: other files must not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from calibeval.core.data.source import RemoteFacts
from calibeval.readers.stored.digest import Background, Extent, checked_sha256
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.regular import opened
from calibeval.readers.stored.steady import SteadyFile


def steady_file(place: Place, limits: Limits, *, whole: bool = False) -> SteadyFile:
    """The file at a place. whole: whether its format needs all bytes, in their order: then a remote file is copied.

    It is copied, too, if its server sends whole files only.
    Raises: FileProblem if it is missing, or cannot be read; InputError, UsageError as the server's answers require.
    """
    if isinstance(place, Path):
        return SteadyFile.of(place)
    from calibeval.readers.remote.fetched import fetched
    from calibeval.readers.remote.store import Remote

    return fetched(Remote(place), limits, whole=whole)


def settling(file: SteadyFile, extents: Sequence[Extent]) -> Callable[[], str | None]:
    """Starts what is computed of the whole file in the background; what it returns waits for the SHA-256.

    That is None for a remote file of which not all bytes were read.
    """
    if file.near:
        return Background(lambda: checked_sha256(file, extents)).result
    return lambda: sha256_of(file, extents)


def sha256_of(file: SteadyFile, extents: Sequence[Extent]) -> str | None:
    """The same at once, after the checksums inside it were verified."""
    if file.near:
        return checked_sha256(file, extents)
    from calibeval.readers.remote.file import sha256_in_ranges

    return sha256_in_ranges(file, extents)


def remote_facts(file: SteadyFile) -> RemoteFacts | None:
    """What is known of a remote file; None for a file on this machine."""
    if isinstance(file.path, Path):
        return None
    return RemoteFacts(file.size, file.etag, "whole" if file.near else "ranges")


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
