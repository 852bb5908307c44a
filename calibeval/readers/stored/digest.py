"""A file's SHA-256 and the checksums inside it, computed in the background."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calibeval.core.errors import InputError
from calibeval.readers.stored.steady import SteadyFile

PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes of a file with a known CRC-32; name: what they are; hint: another possible reason for a difference."""

    name: str
    start: int
    length: int
    crc: int
    hint: str = ""


class Background:
    """A hash that is computed in a separate thread."""

    def __init__(self, work: Callable[[], str | None]) -> None:
        self._work = work
        self._found: tuple[str | None] | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> str | None:
        """Wait for the work, and return its result; None if the hash cannot be known.

        Raises: what the work raised, if anything. If nobody waits, nobody hears of it.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._found is None:
            raise RuntimeError("the hashing thread ended early")
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found = (self._work(),)
        except Exception as error:  # noqa: BLE001 - it is raised by whoever waits
            self._error = error


def checked_sha256(file: SteadyFile, extents: Sequence[Extent] = ()) -> str:
    """The SHA-256 of a file in hexadecimal, after the CRC-32 of the extents has been verified.

    Raises: InputError if a checksum differs, or the file has changed; FileProblem if it cannot be read.
    """
    digest = hashlib.sha256()
    found = dict.fromkeys(extents, 0)
    waiting = sorted(found, key=lambda extent: extent.start, reverse=True)
    begun: list[Extent] = []
    position = 0
    with file.open() as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
            end = position + len(piece)
            while waiting and waiting[-1].start < end:
                begun.append(waiting.pop())
            for extent in begun:
                first = max(extent.start - position, 0)
                last = min(extent.start + extent.length - position, len(piece))
                found[extent] = zlib.crc32(memoryview(piece)[first:last], found[extent])
            begun = [extent for extent in begun if extent.start + extent.length > end]
            position = end
    for extent, crc in found.items():
        if crc != extent.crc:
            raise damaged(file.name, extent)
    return digest.hexdigest()


def damaged(name: str, extent: Extent) -> InputError:
    """The error about an extent whose checksum differs. name: of the file."""
    return InputError(f"{name}: {extent.name} is damaged (its CRC-32 differs).{extent.hint}")
