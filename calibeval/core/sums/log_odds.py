"""The stated log-odds of outcomes: of being right, from the confidence, or of class 1 of two.

Up to 2^16 rows, each is an entry. With more, rows share cells 1/256 wide, and the mean of a cell stands for its rows:
this changes a number by about a thousandth of its standard error.
"""

from __future__ import annotations

import math

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.cox import Cox, LogOdds, fitted, sigmoid
from calibeval.core.sums.pairs import Pairs

SINGLE_ROWS, CELLS_OF_UNIT = 2**16, 256
ALL_ALIKE = "every row is {}, so the likelihood has no maximum"
ALL_SURE = "every probability is 0 or 1 and came true, so the likelihood is the same for all values"
# From so many times the squared error that the fitted probabilities expect on, the likelihood is too flat to tell how
# far its maximum may be off.
MOST_MISFIT = 100.0


def cox_of_pairs(pairs: Pairs) -> Cox:
    """Cox's recalibration of the confidence, computed once. Raises: NotComputable as `log_odds_of`."""
    if "cox" not in pairs.cache:
        pairs.cache["cox"] = fitted(log_odds_of(pairs), pairs.rows)
    found: Cox = pairs.cache["cox"]
    return found


def stated(pairs: Pairs) -> Floats:
    """The probability that the confidence gives to what happened, (n,).

    Raises: NotComputable if that is 0: a row is wrong with confidence 1, or right with confidence 0.
    """
    found = np.where(pairs.correct, pairs.confidence, pairs.doubt)
    here = found <= 0.0
    impossible = int(np.count_nonzero(here)) if pairs.counts is None else int(pairs.counts[here].sum())
    if impossible:
        rows = "1 row" if impossible == 1 else f"{impossible:,} rows"
        wrong = bool((found[~pairs.correct] <= 0.0).any())
        right = bool((found[pairs.correct] <= 0.0).any())
        what = "1 and wrong, or 0 and right," if wrong and right else "1 and wrong" if wrong else "0 and right"
        raise NotComputable("infinite", f"infinite: the confidence is {what} in {rows}", count=impossible)
    return found


def log_odds_of(pairs: Pairs) -> LogOdds:
    """The log-odds of the confidence and whether rows are right.

    Certain rows that are right, and impossible ones that are wrong, are left out: they have likelihood 1 whatever the
    slope above 0. Raises: NotComputable for others with infinite log-odds.
    """
    stated(pairs)
    here = slice(int(np.searchsorted(pairs.confidence, 0.0, side="right")), _end(pairs))
    c, doubt, y = pairs.confidence[here], pairs.doubt[here], pairs.correct[here]
    w = None if pairs.times is None else pairs.times[here]
    w2 = w if w is None or pairs.counts is not None else w * w
    if len(c) <= SINGLE_ROWS:
        return LogOdds(np.log(c) - np.log(doubt), y, w, w2)
    return _in_cells(c, doubt, y.astype(np.float64), w, w2)


def in_the_large(rows: LogOdds) -> tuple[float, float]:
    """The intercept with the largest likelihood if the slope is 1, and its standard error, from the sandwich estimate.

    The error is infinite if nearly all fitted probabilities are 0 or 1, and many of them wrong.

    Raises: NotComputable if all outcomes are the same.

    >>> value, error = in_the_large(LogOdds(np.zeros(4), np.array([True, True, True, False])))
    >>> round(value, 9) == round(math.log(3), 9), round(error, 3)
    (True, 1.155)
    """
    y, w = rows.y.astype(np.float64), np.ones(len(rows.s)) if rows.w is None else rows.w
    w2 = w * w if rows.w2 is None else rows.w2
    right = float(np.add.reduce(w * y))
    if not 0.0 < right < float(np.add.reduce(w)) or rows.y.all() or not rows.y.any():
        if not len(rows.y):
            raise NotComputable("no_optimum", ALL_SURE)
        raise NotComputable("no_optimum", ALL_ALIKE.format("right" if rows.y.any() else "wrong"))
    low, high = -float(rows.s.max()) - 40.0, -float(rows.s.min()) + 40.0
    at = 0.0
    for _ in range(200):  # Newton's steps, as long as they stay inside the bracket
        p = sigmoid(at + rows.s)
        gradient, slope = float(np.add.reduce(w * (p - y))), float(np.add.reduce(w * p * (1.0 - p)))
        low, high = (at, high) if gradient < 0.0 else (low, at)
        step = gradient / slope if slope > 0.0 else math.inf
        nearer = at - step if low < at - step < high else 0.5 * (low + high)
        if abs(nearer - at) <= 1e-13 * max(1.0, abs(at)):
            break
        at = nearer
    squares = float(np.add.reduce(w2 * (p - y) ** 2))
    expected = float(np.add.reduce(w2 * p * (1.0 - p)))
    return at, math.sqrt(squares) / slope if squares < MOST_MISFIT * expected else math.inf


def log_odds_width(pairs: Pairs) -> float:
    """Of cells: how far the log-odds of a row may be from those of the mean confidence of its cell.

    The intercept with slope 1 moves by no more, as it is the number that must be added to all of them.
    """
    low, high = (pairs.confidence if one is None else one for one in (pairs.low, pairs.high))
    doubt = np.maximum(1.0 - np.stack([low, high]), 0.5 * pairs.slack)
    with np.errstate(divide="ignore"):
        odds = np.log(np.stack([low, high])) - np.log(doubt)
        own = np.log(pairs.confidence) - np.log(pairs.doubt)
    inside = (high > low) & np.isfinite(own)
    ends, own = odds[:, inside], own[inside]
    joined = 0.0 if len(pairs.confidence) <= SINGLE_ROWS else 1.0 / CELLS_OF_UNIT
    return joined + float(np.max(np.maximum(ends[1] - own, own - ends[0]), initial=0.0))


def _end(pairs: Pairs) -> int:
    """The number of rows before those with no doubt."""
    return int(np.searchsorted(-pairs.doubt, 0.0, side="left"))


def _in_cells(c: Floats, doubt: Floats, y: Floats, w: Floats | None, w2: Floats | None) -> LogOdds:
    """The log-odds of cells. w, w2: the same array if they are numbers of rows."""
    low, high = (math.log(c[i]) - math.log(doubt[i]) for i in (0, -1))
    edges = np.arange(math.floor(low * CELLS_OF_UNIT), math.ceil(high * CELLS_OF_UNIT) + 1) / CELLS_OF_UNIT
    with np.errstate(over="ignore"):
        cuts = np.searchsorted(c, 1.0 / (1.0 + np.exp(-edges)))
    starts = np.unique(np.concatenate(([0], cuts[cuts < len(c)])))
    size = np.diff(np.append(starts, len(c))).astype(np.float64)
    s = np.log(np.add.reduceat(c, starts) / size) - np.log(np.add.reduceat(doubt, starts) / size)

    def split(values: Floats) -> Floats:
        """The sums over the right rows of every cell, and over the wrong ones."""
        right = np.add.reduceat(values * y, starts)
        return np.concatenate((right, np.add.reduceat(values, starts) - right))

    rows = split(np.ones(len(c)))
    filled = np.flatnonzero(rows > 0.0)
    first = (rows if w is None else split(w))[filled]
    second = first if w2 is w or w2 is None else split(w2)[filled]
    return LogOdds(np.concatenate((s, s))[filled], filled < len(starts), first, second)
