"""What moved a metric: the bins, classes and slices that contribute most, from the results of single rows.

Every metric that is a mean, or a sum over bins, is a sum of one contribution per row; so is its difference between two
paired dumps. The contribution of a bin, class or slice is the sum over its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.sums.binning import bin_index
from calibeval.core.sums.sums import Sums

# A part is named if it contributes at least this share of the whole, and this many times its share of the rows.
LEAST_SHARE, LEAST_EXCESS = 0.2, 1.2
MOST_PARTS = 2
CLASS = "class"


@dataclass(frozen=True, slots=True, eq=False)
class Parted:
    """Rows by the values of one column, or by bins. codes: (n,), the index in names of each row's value."""

    kind: str
    names: Sequence[str]
    codes: Codes


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the rows that contributes more than its size.

    share: of the metric or its change, or, where other parts of this kind move it the other way, of what the parts that
    move it this way add up to; at most 1. rows: share of the rows. cancelled: how much of that sum the other parts take
    back, in [0, 1]. n: number of rows. gap: their mean confidence minus accuracy. The last three are None where an
    earlier version wrote them, n and gap also where they are unknown.
    """

    kind: str
    name: str
    share: float
    rows: float
    cancelled: float | None = None
    n: int | None = None
    gap: float | None = None


def bin_parts(sums: Sums) -> Parted:
    """The rows by their equal-width bins."""
    if sums.rows is None:
        return Parted("bin", (), np.zeros(0, np.intp))
    return Parted("bin", bin_names(sums), bin_index(sums.rows.confidence, sums.compared))


def bin_names(sums: Sums) -> list[str]:
    """The equal-width bins in words."""
    return [f"{low:.2f} – {high:.2f}" for low, high in zip(sums.edges[:-1], sums.edges[1:], strict=True)]


def movers(shares: Floats, parts: Sequence[Parted], gaps: Floats | None = None) -> list[Part]:
    """For each kind of parts, the few that contribute most to the sum of shares, largest first; none if it is 0.

    gaps: (n,), confidence minus correctness of each row.

    >>> light = Parted("light", ["dawn", "day", "night"], np.array([0, 1, 1, 2]))
    >>> (night,) = movers(np.array([-1.0, 1.0, 0.0, 3.0]), [light])
    >>> night.name, night.share, night.rows, night.cancelled
    ('night', 0.75, 0.25, 0.25)
    """
    total, found = float(shares.sum()), []
    if total == 0:
        return []
    for parted in parts:
        moved = np.bincount(parted.codes, weights=shares, minlength=len(parted.names)) * np.sign(total)
        share, cancelled = of_one_direction(moved)
        counts = np.bincount(parted.codes, minlength=len(parted.names))
        sums = None if gaps is None else np.bincount(parted.codes, weights=gaps, minlength=len(parted.names))
        found += _largest(parted, share, cancelled, counts, sums, len(shares))
    return found


def bin_movers(sums: Sums, shares: Floats) -> list[Part]:
    """The equal-width bins that contribute most, from sums. shares: (m,), what each contributes."""
    total = float(shares.sum())
    if total == 0:
        return []
    share, cancelled = of_one_direction(shares * np.sign(total))
    parted = Parted("bin", bin_names(sums), np.zeros(0, np.intp))
    counts = sums.top.count if sums.top.rows is None else sums.top.rows
    return _largest(parted, share, cancelled, counts, -sums.top.surplus, sums.rows_n)


def _largest(
    parted: Parted, share: Floats, cancelled: float, counts: npt.NDArray[Any], gaps: npt.NDArray[Any] | None, rows: int
) -> list[Part]:
    """The parts of one kind that contribute most. share, counts, gaps: of each; rows: the number of all rows."""
    order = np.argsort(-share, kind="stable")[:MOST_PARTS]
    return [
        Part(
            parted.kind,
            parted.names[i],
            float(share[i]),
            float(counts[i] / rows),
            cancelled,
            int(counts[i]),
            None if gaps is None else float(gaps[i] / counts[i]),
        )
        for i in order.tolist()
        if share[i] >= LEAST_SHARE and share[i] >= LEAST_EXCESS * counts[i] / rows
    ]


def of_one_direction(moved: Floats) -> tuple[Floats, float]:
    """The contributions as shares of the sum of the positive ones, and which share of that the negative ones take back.

    So no share exceeds 1, also where contributions nearly cancel.

    >>> of_one_direction(np.array([6.0, 2.0, -4.0]))
    (array([ 0.75,  0.25, -0.5 ]), 0.5)
    """
    there = float(moved[moved > 0].sum())
    if there == 0:
        return np.zeros_like(moved), 0.0
    return moved / there, min(1.0, -float(moved[moved < 0].sum()) / there + 0.0)


def class_movers(names: Sequence[str], errors: Floats, counts: Floats) -> list[Part]:
    """The classes that contribute most to a class-wise error or its change, in which all classes count alike.

    names, errors, counts: of every class; counts: rows with that label.
    """
    total = float(errors.sum())
    if total == 0:
        return []
    share, cancelled = of_one_direction(errors * np.sign(total))
    order = np.argsort(-share, kind="stable")[:MOST_PARTS]
    rows = counts / max(float(counts.sum()), 1.0)
    return [
        Part(CLASS, names[i], float(share[i]), float(rows[i]), cancelled, int(counts[i]))
        for i in order.tolist()
        if share[i] >= LEAST_EXCESS / len(errors)
    ]
