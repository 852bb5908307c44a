"""A small table in words, which every view shows in its own way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tabled:
    """A table of texts. title: a sentence without a full stop. heads: of the columns, without that of the names.

    rows: a name and its cells, one for each head. notes: sentences without a full stop.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[str, ...]
