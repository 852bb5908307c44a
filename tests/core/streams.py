"""Sources of rows that tests watch, and who hears of progress."""

from __future__ import annotations


class Forward:
    """Rows that are served once, in order; counts them, and the most that were asked for at a time."""

    def __init__(self, values):
        self._values, self.shape, self.dtype = values, values.shape, values.dtype
        self.served = self.largest = 0

    def __getitem__(self, rows):
        if rows.start != self.served:
            raise IndexError(f"row {rows.start} was asked for after {self.served}")
        found = self._values[rows.start : rows.stop]
        self.served += len(found)
        self.largest = max(self.largest, len(found))
        return found


class Told:
    """Whoever is told of progress; keeps what was heard."""

    def __init__(self):
        self.heard = []

    def start(self, name, total):
        self.heard.append((name, total))

    def advance(self, steps):
        self.heard.append(steps)
