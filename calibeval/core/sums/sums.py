"""What one pass over the scores leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibeval.core.sums.binning import BinSums, Floats


@dataclass(frozen=True, slots=True, eq=False)
class RowScores:
    """Results of every single row that counts, (n,) each, in the order of the rows.

    confidence: largest probability, in [0, 1]. correct: whether its class is the label. nll: -ln of the probability of
    the label, in nats; inf where that is 0. brier: sum over the classes, in [0, 2]. Where only the top label is known,
    the last two mean nothing.
    """

    confidence: Floats
    correct: npt.NDArray[np.bool_]
    nll: Floats
    brier: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What one pass leaves: totals over n rows, from which all metrics follow.

    top: confidence against correctness in equal-width bins, (m,). mass: the same in equal-mass bins, whose edges are
    mass_edges. classes: each class's probability against the labels in
    equal-width bins, (k, m); None where only the top label is known, like the scores below.
    nll, brier: (sum, sum of squares) over rows; impossible counts rows whose label has probability 0 (nll leaves them
    out), impossible_row is the first of them, None if there is none, and impossible_place says it in words.
    rows: the results of every row, where they were asked for.
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
    rows: RowScores | None = None
