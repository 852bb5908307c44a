"""Chances in words."""

from __future__ import annotations

from calibeval.words import cells


def chance(share: float | None) -> str:
    """A chance in percent; never 0 or 100.

    >>> chance(0.194), chance(0.001), chance(0.9999), chance(None)
    ('19 %', '< 1 %', '> 99 %', '–')
    """
    if share is None:
        return cells.NULL
    if share < 0.01:
        return "< 1 %"
    return "> 99 %" if share > 0.99 else f"{100 * share:.0f} %"
