"""The marks that a drawing consists of. Places are fractions of a panel, (0, 0) at its lower left corner.

Every mark has a role, such as "bar" or "curve": how it looks is decided by each medium, once for each role.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from calibeval.render.drawing.png import Picture

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle. weight: how strongly it is drawn, in (0, 1]. hatch: "over", "under" or nothing."""

    role: str
    x: float
    y: float
    width: float
    height: float
    weight: float = 1.0
    hatch: str = ""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line."""

    role: str
    start: Point
    end: Point
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, or the area that it encloses."""

    role: str
    points: tuple[Point, ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A small circle of constant size. weight: as for a box."""

    role: str
    place: Point
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; dx, dy: shift to the right and upwards, in points. size: of the letters, in points.

    It stands on its baseline; anchor: which part of it is at its place.
    """

    role: str
    place: Point
    words: str
    size: float
    anchor: Anchor = "start"
    dx: float = 0.0
    dy: float = 0.0
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """An invisible area that says what is drawn there, to a pointer, the keyboard and a screen reader."""

    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A picture that fills a rectangle; each of its pixels has sharp edges."""

    role: str
    x: float
    y: float
    width: float
    height: float
    picture: Picture


Mark: TypeAlias = Box | Stroke | Path | Dot | Text | Spot | Pixels
