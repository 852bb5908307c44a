"""A file's SHA-256 and the checksums inside it, computed beside the work on its numbers."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calibeval.core.errors import CalibevalError, FileProblem, InputError

PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes of a file whose CRC-32 is known: name says what they are, hint what else could explain a difference."""

    name: str
    start: int
    length: int
    crc: int
    hint: str = ""


class Digest:
    """Reads a file once, in a thread of its own, for its SHA-256 and the CRC-32 of some extents."""

    def __init__(self, path: Path, extents: Sequence[Extent] = ()) -> None:
        self._path, self._extents = path, extents
        self._sha256 = ""
        self._error: CalibevalError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> str:
        """The SHA-256 in hexadecimal, once all has been read.

        Raises: InputError where a checksum differs; FileProblem if the file cannot be read.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._sha256

    def _run(self) -> None:
        try:
            self._sha256 = self._read()
        except OSError as error:
            self._error = FileProblem(f"{self._path}: cannot be read ({error.strerror or error})")
        except CalibevalError as error:
            self._error = error

    def _read(self) -> str:
        digest = hashlib.sha256()
        found = dict.fromkeys(self._extents, 0)
        position = 0
        with self._path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                for extent in self._extents:
                    first = max(extent.start - position, 0)
                    last = min(extent.start + extent.length - position, len(piece))
                    if first < last:
                        found[extent] = zlib.crc32(memoryview(piece)[first:last], found[extent])
                position += len(piece)
        for extent, crc in found.items():
            if crc != extent.crc:
                raise InputError(f"{self._path.name}: {extent.name} is damaged (its CRC-32 differs).{extent.hint}")
        return digest.hexdigest()
