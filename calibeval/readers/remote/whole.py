"""Which pages of a remote file were used, and the SHA-256 of the file if that were all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

HELD = 2**10  # pages that wait for the ones before them


class WholeHash:
    """The SHA-256 of a file whose pages come in almost any order.

    >>> found = WholeHash(2)
    >>> found.add(1, b"b"), found.result(lambda page: b""), found.add(0, b"a")
    (None, None, None)
    >>> found.result(lambda page: b"") == hashlib.sha256(b"ab").hexdigest()
    True
    """

    def __init__(self, pages: int) -> None:
        self._pages, self._done = pages, 0
        self._digest = hashlib.sha256()
        self._waiting: dict[int, bytes] = {}
        self._used: set[int] = set()

    def add(self, page: int, data: bytes) -> None:
        """A page was used, perhaps not for the first time."""
        if page in self._used:
            return
        self._used.add(page)
        if page > self._done:
            if len(self._waiting) < HELD:
                self._waiting[page] = data
            return
        self._take(data)
        while self._done in self._waiting:
            self._take(self._waiting.pop(self._done))

    def result(self, again: Callable[[int], bytes]) -> str | None:
        """The SHA-256 if every page was used, else None. again: gives a page that came before its time."""
        if len(self._used) < self._pages:
            return None
        while self._done < self._pages:
            self._take(self._waiting.pop(self._done, b"") or again(self._done))
        return self._digest.hexdigest()

    def _take(self, data: bytes) -> None:
        self._digest.update(data)
        self._done += 1
