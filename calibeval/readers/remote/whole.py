"""Which pages of a remote file were used; the SHA-256 of the file if those are all, and checksums of parts of it."""

from __future__ import annotations

import hashlib
import threading
import weakref
import zlib
from collections.abc import Callable, Mapping

from calibeval.readers.remote.crc import joined

HELD = 2**26  # bytes of pages that wait for the ones before them, in all files together


class Room:
    """How many bytes may still wait; of thousands of files, few hold any.

    >>> room = Room(5)
    >>> room.take(3), room.take(3), room.give({1: b"ab"}), room.take(3)
    (True, False, None, True)
    """

    def __init__(self, most: int) -> None:
        self._free, self._lock = most, threading.Lock()

    def take(self, size: int) -> bool:
        """Whether so many more may wait; then they do."""
        with self._lock:
            found = size <= self._free
            self._free -= size if found else 0
            return found

    def give(self, pages: Mapping[int, bytes]) -> None:
        """These wait no longer."""
        with self._lock:
            self._free += sum(map(len, pages.values()))


ROOM = Room(HELD)


class WholeHash:
    """The SHA-256 of a file, and the CRC-32 of what lies in it, whose pages come in almost any order.

    >>> found = WholeHash(2, 1)
    >>> found.add(1, b"b"), found.result(lambda page: b""), found.add(0, b"a")
    (None, None, None)
    >>> found.result(lambda page: b"") == hashlib.sha256(b"ab").hexdigest()
    True
    """

    def __init__(self, pages: int, page: int) -> None:
        self._pages, self._page, self._done = pages, page, 0
        self._digest = hashlib.sha256()
        self._waiting: dict[int, bytes] = {}
        weakref.finalize(self, ROOM.give, self._waiting)
        self._used: dict[int, int] = {}  # the CRC-32 of each page

    @property
    def count(self) -> int:
        """How many pages were used."""
        return len(self._used)

    def add(self, page: int, data: bytes) -> None:
        """A page was used, perhaps not for the first time."""
        if page in self._used:
            return
        self._used[page] = zlib.crc32(data)
        if page > self._done:
            if ROOM.take(len(data)):
                self._waiting[page] = data
            return
        self._take(data)
        while self._done in self._waiting:
            self._take(self._waited(self._done))

    def result(self, again: Callable[[int], bytes]) -> str | None:
        """The SHA-256 if every page was used, else None. again: gives a page that came before its time."""
        if len(self._used) < self._pages:
            return None
        while self._done < self._pages:
            self._take(self._waited(self._done) or again(self._done))
        return self._digest.hexdigest()

    def crc(self, start: int, length: int, again: Callable[[int], bytes]) -> int | None:
        """The CRC-32 of a part of the file if all of its pages were used, else None. again: gives a page once more.

        >>> found = WholeHash(2, 4)
        >>> pages = [b"abcd", b"ef"]
        >>> found.add(1, pages[1]), found.crc(2, 3, pages.__getitem__), found.add(0, pages[0])
        (None, None, None)
        >>> found.crc(2, 3, pages.__getitem__) == zlib.crc32(b"cde")
        True
        """
        crc, at, stop = 0, start, start + length
        pages = range(start // self._page, -(-stop // self._page))
        if not all(page in self._used for page in pages):
            return None
        for page in pages:
            begin, end = at - page * self._page, min(stop - page * self._page, self._page)
            whole = begin == 0 and end == self._page
            own = self._used[page] if whole else zlib.crc32(memoryview(again(page))[begin:end])
            crc, at = joined(crc, own, end - begin), at + end - begin
        return crc

    def _waited(self, page: int) -> bytes:
        """A page that waited; nothing, if there was no room for it."""
        data = self._waiting.pop(page, b"")
        ROOM.give({page: data})
        return data

    def _take(self, data: bytes) -> None:
        self._digest.update(data)
        self._done += 1
