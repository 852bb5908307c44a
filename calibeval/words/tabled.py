"""A small table in words, which every view shows in its own way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tabled:
    """A table of texts. said: what it shows, without a full stop; may be empty. heads: without that of the names.

    rows: a name and its cells, one for each head. notes: sentences without a full stop.
    """

    title: str
    said: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[str, ...]

    @property
    def heading(self) -> str:
        """The title with what is said of it, in one line."""
        return f"{self.title}: {self.said}" if self.said else self.title
