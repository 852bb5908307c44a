"""The moments of the values of single rows, for metrics that are their means, from sums."""

from __future__ import annotations

import math

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.sums import Moments, Sums
from calibeval.core.uncertainty.small_counts import right_rows

LEAST_P = 1e-16  # the probability of a wrong prediction whose confidence is rounded to 1


def right_moments(sums: Sums) -> Moments:
    """The share of correct rows."""
    right, squared = right_rows(sums.top, sums.n), sums.top.squared
    if squared is None:
        return Moments(right, right)
    mean = right / sums.n
    centred = (1.0 - 2.0 * mean) * float(squared.y.sum()) + mean * mean * float(squared.count.sum())
    return Moments(right, max(centred, 0.0) + mean * right)


def gap_moments(sums: Sums) -> Moments:
    """The mean of confidence minus correctness."""
    total, squares = -float(sums.top.surplus.sum()), float(sums.top.surplus_squares.sum())
    if sums.top.squared is None:
        return Moments(total, squares)
    mean = total / sums.n
    centred = squares + 2.0 * mean * float(sums.top.squared.surplus.sum()) + mean * mean * sums.n
    return Moments(total, max(centred, 0.0) + mean * total)


def nll_moments(sums: Sums) -> Moments:
    """The negative log-likelihood. Raises: NotComputable if it is infinite or not known."""
    if sums.impossible:
        rows = "1 row" if sums.impossible == 1 else f"{sums.impossible:,} rows"
        text = f"infinite: the label has probability 0 in {rows}, first in {sums.impossible_place}"
        raise NotComputable("infinite", text, count=sums.impossible, row=sums.impossible_row)
    if not math.isfinite(sums.nll.total):
        raise NotComputable("overflow", "the sum of the logarithms exceeds the range of float64")
    return _of_all_classes(sums, sums.nll)


def gap_of_outcome(confidence: Floats, right: bool) -> Floats:
    """The gap of rows with these confidences, if predictions are right or wrong."""
    return np.asarray(confidence - right)


def nll_of_outcome(confidence: Floats, right: bool) -> Floats:
    """The NLL of rows with these confidences, if predictions are right or wrong."""
    return np.asarray(-np.log(np.maximum(confidence if right else 1.0 - confidence, LEAST_P)))


def brier_of_outcome(confidence: Floats, right: bool) -> Floats:
    """The Brier score of rows with these confidences, if predictions are right or wrong."""
    return np.asarray(2.0 * (1.0 - confidence if right else confidence) ** 2)


def half_brier_of_outcome(confidence: Floats, right: bool) -> Floats:
    """Half of `brier_of_outcome`: of one column of two."""
    return 0.5 * brier_of_outcome(confidence, right)


def brier_moments(sums: Sums) -> Moments:
    """The Brier score. Raises: NotComputable if it is not known."""
    return _of_all_classes(sums, sums.brier)


def nll_risk(sums: Sums) -> float:
    """By how much a wrong row costs more than a right one, on average."""
    return 0.0 if sums.risk is None else sums.risk / sums.n


def brier_risk(sums: Sums) -> float:
    """By how much a wrong row costs more than a right one, on average: 2 (c - p) if p is the probability of its label.

    Of k - 1 other classes, p is 1 - c for two, and on average at least (1 - c) / (k - 1), by the model's own word.
    """
    confidence = float(sums.top.p.sum()) / sums.n
    return 2.0 * (confidence - (1.0 - confidence) / ((sums.k or 2) - 1.0))


def half_brier_moments(sums: Sums) -> Moments:
    """Of two classes, the Brier score of one column. Raises: as `brier_moments`."""
    found = brier_moments(sums)
    crossed = None if found.crossed is None else 0.5 * found.crossed
    return Moments(0.5 * found.total, 0.25 * found.squares, crossed)


def _of_all_classes(sums: Sums, moments: Moments) -> Moments:
    if sums.k is None:
        raise NotComputable(
            "top_label_only", "needs the probability of every class, but this dump has the top label only"
        )
    return moments
