"""What one pass over the scores leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.metrics.binning import BinSums, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What one pass leaves: totals over n rows, from which all metrics follow.

    top: confidence against correctness in equal-width bins, (m,). mass: the same in equal-mass bins, whose edges are
    mass_edges. classes: each class's probability against the labels in
    equal-width bins, (k, m); None where only the top label is known, like the scores below.
    nll, brier: (sum, sum of squares) over rows; impossible counts rows whose label has probability 0 (nll leaves them
    out), impossible_row is the first of them, None if there is none, and impossible_place says it in words.
    """

    n: int
    k: int | None
    edges: Floats
    top: BinSums
    mass: BinSums
    mass_edges: Floats
    classes: BinSums | None
    nll: tuple[float, float]
    brier: tuple[float, float]
    impossible: int
    impossible_row: int | None
    impossible_place: str
