"""The lowest confidence above which the error is certified: at most a limit, with a chosen probability.

Thresholds are tested from the largest confidence down, each by the exact upper bound of its error, until the first
fails. In this fixed order no correction for many tests is needed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import UsageError
from calibeval.core.sums.ranking import Ranking
from calibeval.core.sums.sample import HASH, HASHES
from calibeval.core.uncertainty.special import binomial_cdf, clopper_pearson

DELTA = 0.05
FOLDS = 5
CHUNK = 4096


class Certified(NamedTuple):
    """A certified threshold, or why there is none.

    threshold: rows of at least this confidence are answered; None if none is certified, and then the next fields
    describe the first threshold that was tested, if there are enough rows for one.
    rows, errors: the answered rows and the wrong ones among them. units, unit_errors: independent units with answered
    rows, and those of them with a wrong one; the same numbers if every row is a unit. bound: exact upper bound of the
    units' error. coverage: answered rows as a share of all; 0 without a threshold.
    limit, delta: the error is at most `limit` with probability 1 - `delta`. needed: the smallest number of units that
    could certify a threshold: as many without an error.
    """

    threshold: float | None
    coverage: float
    rows: int
    errors: int
    units: int
    unit_errors: int
    bound: float
    limit: float
    delta: float
    needed: int


def units_needed(limit: float, delta: float = DELTA) -> int:
    """The smallest number of units without an error whose exact upper bound is at most the limit.

    limit, delta: in (0, 1). Raises: UsageError if they are not.

    >>> [units_needed(limit) for limit in (0.01, 0.02, 0.05, 0.1)]
    [299, 149, 59, 29]
    """
    for name, value in (("limit", limit), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise UsageError(f"{name} is {value}, but it must lie inside (0, 1)")
    return max(1, math.ceil(math.log(delta) / math.log1p(-limit) * (1.0 - 1e-12)))


def upper_bound(errors: int, units: int, delta: float = DELTA) -> float:
    """The exact upper bound of an error, that is exceeded with probability delta at most. delta: below 0.5.

    Source: Clopper & Pearson, Biometrika 26:404 (1934), one-sided.

    >>> round(upper_bound(0, 59), 6), round(upper_bound(288, 5000), 6)
    (0.049508, 0.063314)
    """
    return float(clopper_pearson([errors], [units], 1.0 - 2.0 * delta)[1][0])


def certified(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    limit: float,
    delta: float = DELTA,
    groups: npt.NDArray[np.integer] | None = None,
    slack: float = 0.0,
) -> Certified:
    """The lowest confidence t such that rows of confidence t and more have an error of at most `limit`.

    It holds with probability 1 - delta for rows like these: independent ones. Equal confidences are tested together.
    The first tested threshold is the largest confidence with as many rows above it as could certify it without an
    error.
    With groups, these are independent but not their rows: a group counts once it has a row above the threshold, and as
    an error if any such row is wrong. So the mean over groups of their share of wrong rows is certified, which differs
    from the error of all rows if large groups have other errors than small ones.

    confidence, correct: (n,), n at least 1. limit: in (0, 1). delta: in (0, 0.5). groups: (n,) numbers of the groups
    0, 1, ... of rows. slack: how far apart two neighbouring confidences may be and still tie.
    Raises: UsageError if limit or delta is out of range.
    Source: Angelopoulos et al., Annals of Applied Statistics 19:1641 (2025), fixed-sequence testing; Bauer, Statistics
    in Medicine 10:871 (1991).

    >>> stated, right = np.linspace(1.0, 0.6, 100), np.arange(100) < 70
    >>> found = certified(stated, right, 0.05)
    >>> found.rows, found.errors, round(found.threshold, 3), certified(stated[:58], right[:58], 0.05).threshold
    (70, 0, 0.721, None)
    """
    if not 0.0 < delta < 0.5:
        raise UsageError(f"delta is {delta}, but it must lie inside (0, 0.5)")
    needed = units_needed(limit, delta)
    stated, right = np.asarray(confidence, np.float64), np.asarray(correct, np.bool_)
    curve = Ranking.of(stated, right, slack).curve()
    units, wrong = (curve.rows, curve.wrong) if groups is None else _of_groups(stated, right, groups, curve.threshold)
    start = int(np.searchsorted(units, needed))
    passed = start + _passed(units[start:], wrong[start:], limit, delta)
    found, at = passed > start, min(max(passed - 1, start), len(units) - 1)
    return Certified(
        threshold=float(curve.threshold[at]) if found else None,
        coverage=float(curve.coverage[at]) if found else 0.0,
        rows=int(curve.rows[at]),
        errors=int(curve.wrong[at]),
        units=int(units[at]),
        unit_errors=int(wrong[at]),
        bound=upper_bound(int(wrong[at]), int(units[at]), delta),
        limit=limit,
        delta=delta,
        needed=needed,
    )


def possible_coverage(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, limit: float, delta: float = DELTA, slack: float = 0.0
) -> float:
    """The largest coverage whose error these rows do not prove to be above the limit: 0 if they do so for each.

    With probability 1 - delta at least, it is no smaller than the largest coverage whose true error is at the limit,
    by the exact lower bound there.

    Arguments: as for `certified`; rows are independent.

    >>> stated, right = np.linspace(1.0, 0.6, 100), np.arange(100) < 70
    >>> certified(stated, right, 0.05).coverage, possible_coverage(stated, right, 0.05)
    (0.7, 0.77)
    """
    curve = Ranking.of(confidence, correct, slack).curve()
    share = curve.wrong / curve.rows
    open_ = np.flatnonzero((share <= limit) | (curve.rows * _divergence(share, limit) < -math.log(delta)))
    for last in range(len(open_), 0, -CHUNK):
        here = open_[max(last - CHUNK, 0) : last]
        # At least so many errors: one minus the chance of fewer, which is that of more right rows.
        right = curve.rows[here] - curve.wrong[here]
        chance = binomial_cdf(np.minimum(right, curve.rows[here] - 1.0), curve.rows[here], 1.0 - limit)
        kept = (share[here] <= limit) | (right == curve.rows[here]) | (chance > delta)
        if kept.any():
            return float(curve.coverage[here[np.flatnonzero(kept)[-1]]])
    return 0.0


def cross_fitted_coverage(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    limit: float,
    delta: float = DELTA,
    groups: npt.NDArray[np.integer] | None = None,
    slack: float = 0.0,
) -> tuple[float, float | None]:
    """The coverage on rows that thresholds were not chosen on, and the error of the rows answered there.

    Each of five parts is answered by the threshold that the other four certify, so by one of fewer rows. The rows of a
    group stay together. The error is None if no row is answered.

    Arguments: as for `certified`.

    >>> stated, right = np.linspace(1.0, 0.6, 200), np.arange(200) < 140
    >>> cross_fitted_coverage(stated, right, 0.05)[0] == certified(stated, right, 0.05).coverage
    False
    """
    stated, right = np.asarray(confidence, np.float64), np.asarray(correct, np.bool_)
    parts = _part_of(np.arange(len(stated)) if groups is None else groups)
    answered = np.zeros(len(stated), np.bool_)
    for part in range(FOLDS):
        own = parts == part
        if own.all() or not own.any():
            continue
        others = None if groups is None else groups[~own]
        threshold = certified(stated[~own], right[~own], limit, delta, others, slack).threshold
        if threshold is not None:
            answered |= own & (stated >= threshold)
    rows = int(answered.sum())
    return rows / len(stated), float((~right[answered]).sum()) / rows if rows else None


def _part_of(numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """One of five parts for each number, mixed evenly and without a period."""
    return (numbers.astype(np.uint64) * np.uint64(HASH) % np.uint64(HASHES) * np.uint64(FOLDS)) // np.uint64(HASHES)


def _of_groups(
    confidence: Floats, right: npt.NDArray[np.bool_], groups: npt.NDArray[np.integer], thresholds: Floats
) -> tuple[Floats, Floats]:
    """For each threshold, the groups with a row of at least this confidence, and those with a wrong one: (m,) each."""
    found = []
    for chosen in (slice(None), ~right):
        largest = np.full(int(groups.max()) + 1, -np.inf)
        np.maximum.at(largest, groups[chosen], confidence[chosen])
        reached = np.sort(largest[largest > -np.inf])
        found.append(len(reached) - np.searchsorted(reached, thresholds).astype(np.float64))
    return found[0], found[1]


def _passed(units: Floats, wrong: Floats, limit: float, delta: float) -> int:
    """The number of tests before the first that fails. units, wrong: (m,), neither of them falls.

    Between two errors the bound falls, so it is only computed where errors come, and there only if neither the share of
    errors nor Chernoff's bound decides.
    """
    more = np.diff(wrong, prepend=0.0) > 0.0
    failed = np.flatnonzero(more & (wrong >= limit * units))  # the median of a binomial: p of 1/2 at least
    end = int(failed[0]) if len(failed) else len(units)
    tested = np.flatnonzero(more[:end])
    tested = tested[units[tested] * _divergence(wrong[tested] / units[tested], limit) < -math.log(delta)]
    for first in range(0, len(tested), CHUNK):
        here = tested[first : first + CHUNK]
        fails = binomial_cdf(wrong[here], units[here], limit) > delta
        if fails.any():
            return int(here[np.argmax(fails)])
    return end


def _divergence(share: Floats, limit: float) -> Floats:
    """Of Bernoulli variables: units times it is at most the negative logarithm of the chance of such a share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = share * np.log(share / limit), (1.0 - share) * np.log((1.0 - share) / (1.0 - limit))
    return np.nan_to_num(parts[0]) + np.nan_to_num(parts[1])
