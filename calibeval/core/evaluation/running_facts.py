"""Chunks of rows, what holds for all of them, and how many there are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.places import place_of
from calibeval.core.data.predictions import Predictions
from calibeval.core.evaluation.joint_cells import ClassGaps
from calibeval.core.report.settings import Settings
from calibeval.core.sums.second_pass import Wanted
from calibeval.core.sums.sums import RowScores

IMAGES = 2**40  # more than there are


class Chunk(NamedTuple):
    """Consecutive stored rows, (b,) each: scores, labels, and whether a row counts, which ignored ones do not.

    weights: None without weights. codes: numbers of groups; None without groups.
    """

    scores: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    keep: npt.NDArray[np.bool_]
    weights: Floats | None = None
    codes: Codes | None = None


class Heard(NamedTuple):
    """The results of consecutive rows that count, and their labels, (b,).

    classes: the gaps of all classes, where there are few.
    """

    rows: RowScores
    labels: npt.NDArray[np.integer[Any]]
    classes: ClassGaps | None


class Facts(NamedTuple):
    """What holds for all rows. kinds: predictions of these kinds and classes, without rows.

    pairs: whether metrics need every row in order. second: what they need of the probabilities of all classes. classes:
    the numbers of those that are also looked at one against the rest.
    weights: the name of the weights; None without. grouped: whether rows have groups. dense: whether rows are pixels of
    images. columns_sure: whether the user says that each column is one class. exact: whether the confidence
    of every row is kept; None: of some million rows.
    """

    kinds: Predictions
    settings: Settings
    pairs: bool
    second: Wanted
    classes: tuple[int, ...]
    weights: str | None
    grouped: bool
    dense: bool
    columns_sure: bool
    exact: bool | None


@dataclass(slots=True)
class Counts:
    """Numbers of stored rows, of those that count, of those left out because of their weight, and of images.

    shapes: where images of another shape begin: the first stored row, the number of images before it, and the shape.
    """

    stored: int = 0
    n: int = 0
    zero: int = 0
    images: int = 0
    shapes: tuple[tuple[int, int, tuple[int, ...]], ...] = ()

    def add_images(self, first: int, count: int, shape: tuple[int, ...]) -> None:
        """Further images of one shape. first: the number of stored rows before them."""
        if not self.shapes or self.shapes[-1][2] != shape:
            self.shapes = (*self.shapes, (first, self.images, shape))
        self.images += count

    def place(self, row: int) -> str:
        """Where a stored row is, in words."""
        found = [one for one in self.shapes if one[0] <= row]
        if not found:
            return place_of(row, ())
        first, image, shape = found[-1]
        return place_of(row - first + image * math.prod(shape), (IMAGES, *shape))

    def joined(self, other: Counts) -> Counts:
        """Of both sets of rows."""
        moved = ((row + self.stored, image + self.images, shape) for row, image, shape in other.shapes)
        return Counts(
            self.stored + other.stored,
            self.n + other.n,
            self.zero + other.zero,
            self.images + other.images,
            (*self.shapes, *moved),
        )
