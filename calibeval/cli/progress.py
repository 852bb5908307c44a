"""Progress on standard error: nothing in the first second, nothing where nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

PATIENCE = 1.0
INTERVAL = 0.2


class Progress:
    """A line that says how much of the current dump has been read; use it in a with statement."""

    def __init__(self, *, quiet: bool) -> None:
        self._watched = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._name, self._total, self._done = "", 0, 0
        self._next = time.monotonic() + PATIENCE
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def start(self, name: str, total: int) -> None:
        """Begin with a dump of so many rows."""
        self._name, self._total, self._done = "".join(c for c in name if c.isprintable())[-40:], total, 0

    def advance(self, rows: int) -> None:
        """So many more rows are done."""
        self._done += rows
        now = time.monotonic()
        if self._watched and now >= self._next:
            self._next, self._shown = now + INTERVAL, True
            share = 100 * self._done / max(self._total, 1)
            sys.stderr.write(f"\r\x1b[K{self._name}: {share:.0f} % of {self._total:,} rows")
            sys.stderr.flush()
