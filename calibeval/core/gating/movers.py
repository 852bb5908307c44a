"""What moved a metric: the bins, classes and slices that contribute most, from the results of single rows.

Every metric that is a mean, or a sum over bins, is a sum of one contribution per row; so is its difference between two
paired dumps. The contribution of a bin, class or slice is the sum over its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.sums.binning import bin_index
from calibeval.core.sums.sums import Sums

# A part is named if it contributes at least this share of the whole, and this many times its share of the rows.
LEAST_SHARE, LEAST_EXCESS = 0.2, 1.2
MOST_PARTS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Parted:
    """Rows by the values of one column, or by bins. codes: (n,), the index in names of each row's value."""

    kind: str
    names: Sequence[str]
    codes: Codes


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the rows that contributes more than its size. share: of the metric or its change; rows: of the rows."""

    kind: str
    name: str
    share: float
    rows: float


def bin_parts(sums: Sums) -> Parted:
    """The rows by their equal-width bins."""
    if sums.rows is None:
        return Parted("bin", (), np.zeros(0, np.intp))
    names = [f"{low:.2f} – {high:.2f}" for low, high in zip(sums.edges[:-1], sums.edges[1:], strict=True)]
    return Parted("bin", names, bin_index(sums.rows.confidence, sums.compared))


def movers(shares: Floats, parts: Sequence[Parted]) -> list[Part]:
    """For each kind of parts, the few that contribute most to the sum of shares, largest first; none if it is 0.

    >>> night = Parted("light", ["day", "night"], np.array([0, 0, 0, 1]))
    >>> movers(np.array([1.0, 0.0, 0.0, 3.0]), [night])
    [Part(kind='light', name='night', share=0.75, rows=0.25)]
    """
    total, found = float(shares.sum()), []
    if total == 0:
        return []
    for parted in parts:
        moved = np.bincount(parted.codes, weights=shares, minlength=len(parted.names)) / total
        rows = np.bincount(parted.codes, minlength=len(parted.names)) / len(shares)
        order = np.argsort(-moved, kind="stable")[:MOST_PARTS]
        found += [
            Part(parted.kind, parted.names[i], float(moved[i]), float(rows[i]))
            for i in order.tolist()
            if moved[i] >= LEAST_SHARE and moved[i] >= LEAST_EXCESS * rows[i]
        ]
    return found


def class_movers(errors: Mapping[str, float]) -> list[Part]:
    """The classes that contribute most to a class-wise error or its change, as if all classes had equal numbers of
    rows.
    """
    total = sum(errors.values())
    if total == 0:
        return []
    ranked = sorted(errors.items(), key=lambda item: -item[1] / total)[:MOST_PARTS]
    even = 1 / len(errors)
    return [Part("class", name, error / total, even) for name, error in ranked if error / total >= LEAST_EXCESS * even]
