"""The numbers of axes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on an axis, and its place as a fraction of it."""

    place: float
    label: str
