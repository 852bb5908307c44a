"""Progress on standard error, shown after the first second and only on a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import Self

PATIENCE = 1.0
INTERVAL = 0.2
_CLEARED = "\r\x1b[K"


class StatusLine:
    """A changing line on standard error, if that is a terminal; it is removed at the end of the with statement."""

    def __init__(self, *, quiet: bool, patience: float = 0.0) -> None:
        self.talks = not quiet and sys.stderr is not None
        self.watched = self.talks and sys.stderr.isatty()
        self._next = time.monotonic() + patience
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self.write(_CLEARED)

    def due(self) -> bool:
        """Whether standard error is a terminal, and the last text has been shown long enough."""
        return self.watched and time.monotonic() >= self._next

    def change(self, text: str) -> None:
        """Replace the text of the line."""
        self._next, self._shown = time.monotonic() + INTERVAL, True
        self.write(f"{_CLEARED}{text}")

    @staticmethod
    def write(text: str) -> None:
        """Write to standard error; nobody needs to read it."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


class OpeningLine(StatusLine):
    """A line that says how many of the remote files of one dump are open."""

    def opened(self, name: str, done: int, total: int) -> None:
        """So many of the files of that name are open; the line is removed once all are."""
        if done == total and self._shown:
            self.change("")
        elif done < total and self.due():
            self.change(f"{shown(name)}: {done:,} of {total:,} files are open")


class Progress(StatusLine):
    """A line that says how much of the current dump has been read. unit: what is counted."""

    def __init__(self, *, quiet: bool, unit: str = "rows") -> None:
        super().__init__(quiet=quiet, patience=PATIENCE)
        self._unit = unit
        self._name, self._total, self._done = "", 0, 0

    def start(self, name: str, total: int) -> None:
        """Begin a dump; total: its number of rows."""
        self._name, self._total, self._done = shown(name), total, 0

    def advance(self, steps: int) -> None:
        """Count more rows as done."""
        self._done += steps
        if self.due():
            share = 100 * self._done / max(self._total, 1)
            self.change(f"{self._name}: {share:.0f} % of {self._total:,} {self._unit}")


def shown(name: str) -> str:
    """The end of a dump's name, without what a terminal would obey."""
    return "".join(c for c in name if c.isprintable())[-40:]
