"""The bytes of a remote file in pages: what was read is remembered for a while, and what follows is read ahead."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable

from calibeval.core.errors import CalibevalError
from calibeval.readers.remote.whole import WholeHash

PAGE = 2**16
RUN = 2**23  # the most bytes that one request asks for
KEPT = 2**26  # bytes that are remembered, of all remote files together

Fetch = Callable[[int, int], bytes]


class Shelf:
    """Pages of all remote files, of which the ones used last are kept.

    >>> shelf = Shelf(most=2)
    >>> shelf.put((1, 0), b"a"), shelf.put((1, 1), b"b"), shelf.get((1, 0)), shelf.put((1, 2), b"c")
    (None, None, b'a', None)
    >>> shelf.get((1, 1)), shelf.get((1, 0))
    (None, b'a')
    """

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._pages: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int]) -> bytes | None:
        """A page, if it is still there."""
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
            return self._pages.get(key)

    def put(self, key: tuple[int, int], page: bytes) -> None:
        """Keep a page; the ones that were not used for longest make room."""
        with self._lock:
            self._held += len(page) - len(self._pages.pop(key, b""))
            self._pages[key] = page
            while self._held > self._most:
                self._held -= len(self._pages.popitem(last=False)[1])


SHELF = Shelf(KEPT)
NUMBERS = itertools.count()


class Ahead:
    """A request that runs while something else is computed. first, stop: its pages."""

    def __init__(self, fetch: Callable[[int, int], bytes], first: int, stop: int) -> None:
        self.first, self.stop = first, stop
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(fetch,), daemon=True)
        self._thread.start()

    def _run(self, fetch: Callable[[int, int], bytes]) -> None:
        try:
            fetch(self.first, self.stop)
        except Exception as error:  # noqa: BLE001 - it is raised by whoever waits
            self._error = error

    @property
    def runs(self) -> bool:
        """Whether there is no answer yet."""
        return self._thread.is_alive()

    def wait(self) -> None:
        """Wait for the answer. Raises: what the request raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error


class Pages:
    """The bytes of one remote file.

    A request asks for whole pages, at most RUN bytes. Reading on where the last reading ended asks for more each time,
    and then for the next bytes in the background, but never for more than the reader said it would need.
    fetch: the bytes between two places. size: of the file. changed: the error for a file that has fewer. requests: how
    many there were.
    """

    def __init__(self, fetch: Fetch, size: int, changed: Callable[[], CalibevalError]) -> None:
        self._fetch, self._size, self._changed = fetch, size, changed
        self._number, self.requests = next(NUMBERS), 0
        self._lock = threading.RLock()
        self._ahead: Ahead | None = None
        self._next, self._window = -2, 1
        self.used = WholeHash(-(-size // PAGE), PAGE)

    def read_into(self, buffer: memoryview, start: int, until: int = 0) -> None:
        """Fill a buffer with the bytes from a place on, which must be in the file.

        until: the reader will need the bytes up to here; 0: it does not know.
        """
        if not len(buffer):
            return
        stop = start + len(buffer)
        if stop > self._size:
            raise self._changed()
        first, last = start // PAGE, (stop - 1) // PAGE
        with self._lock:
            limit = self._limit(first, last, until)
            for page in range(first, last + 1):
                data = self._page(page, last, limit)
                at = page * PAGE
                begin, end = max(start, at), min(stop, at + len(data))
                buffer[begin - start : end - start] = data[begin - at : end - at]
                self.used.add(page, data)
            self._next = last + 1
            if limit > last + 1:
                self._read_ahead(last + 1, limit)

    def page(self, page: int, more: int = 1) -> bytes:
        """A page, from memory, or by a request for that many."""
        with self._lock:
            return self._page(page, min(page + more, -(-self._size // PAGE)) - 1, page + 1)

    def _limit(self, first: int, last: int, until: int) -> int:
        """The page before which reading ahead ends."""
        if first == self._next:
            self._window = min(2 * self._window, RUN // PAGE)
        elif first != self._next - 1:
            self._window = 1
        if until:
            return max(last + 1, -(-min(until, self._size) // PAGE))
        return min(last + 1 + (self._window if self._window > 1 else 0), -(-self._size // PAGE))

    def _page(self, page: int, last: int, limit: int) -> bytes:
        """A page; if it has to be asked for, then with the ones after it that are needed, or may be."""
        data = SHELF.get((self._number, page))
        if data is not None:
            return data
        ahead = self._ahead
        if ahead is not None and ahead.first <= page < ahead.stop:
            self._ahead = None
            ahead.wait()
            data = SHELF.get((self._number, page))
            if data is not None:
                return data
        most = max(1, RUN // PAGE)
        stop = min(page + most, max(last + 1, min(limit, page + self._window)))
        data = self._ask(page, self._unknown(page + 1, stop))
        if stop < last + 1:
            self._read_ahead(stop, last + 1)
        return data

    def _unknown(self, page: int, stop: int) -> int:
        """The first page that is there already, or on its way; at most stop."""
        for one in range(page, stop):
            if SHELF.get((self._number, one)) is not None or (self._ahead and self._ahead.first == one):
                return one
        return stop

    def _read_ahead(self, first: int, limit: int) -> None:
        """Ask in the background for pages that will be needed, unless something is asked for already."""
        if (self._ahead is not None and self._ahead.runs) or SHELF.get((self._number, first)) is not None:
            return
        stop = self._unknown(first + 1, min(first + RUN // PAGE, limit))
        self._ahead = Ahead(self._ask, first, stop)

    def _ask(self, first: int, stop: int) -> bytes:
        """One request for some pages, of which the first is returned."""
        begin, end = first * PAGE, min(stop * PAGE, self._size)
        self.requests += 1
        data = memoryview(self._fetch(begin, end))
        if len(data) != end - begin:
            raise self._changed()
        for i in range(stop - first):
            SHELF.put((self._number, first + i), bytes(data[i * PAGE : (i + 1) * PAGE]))
        return bytes(data[:PAGE])
