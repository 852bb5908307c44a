"""Work on pieces in threads, with results in the order of the pieces, so that sums do not depend on the threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Work = TypeVar("Work")
Result = TypeVar("Result")


def processors() -> int:
    """How many processors this process may use; where the system does not say it, those of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(work: Callable[[Work], Result], pieces: Iterable[Work], jobs: int) -> Iterator[Result]:
    """The results of the work on each piece, in the order of the pieces; at most jobs + 1 pieces are in progress.

    The first error in that order is raised, be it of a piece or of the work on one.
    jobs: number of threads; with one, no work is done ahead.

    >>> list(in_order(abs, [3, -2, 1], jobs=2))
    [3, 2, 1]
    """
    if jobs <= 1:
        yield from map(work, pieces)
        return
    failures: list[Exception] = []
    several = _until_failure(pieces, failures)
    first = deque(islice(several, 2))
    if len(first) < 2:
        yield from map(work, first)
        if failures:
            raise failures[0]
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for piece in _letting_go(first, several):
                waiting.append(pool.submit(work, piece))
                if len(waiting) > jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    if failures:
        raise failures[0]


def _until_failure(pieces: Iterable[Work], failures: list[Exception]) -> Iterator[Work]:
    """The pieces up to the first that cannot be made; why, is added to the failures."""
    try:
        yield from pieces
    except Exception as error:  # noqa: BLE001 - raised by the caller
        failures.append(error)


def _letting_go(held: deque[Work], others: Iterator[Work]) -> Iterator[Work]:
    """The held pieces, each of which is no longer held from then on, and the others."""
    while held:
        yield held.popleft()
    yield from others
