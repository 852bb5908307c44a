"""The lowest confidence above which the error is certified: at most a limit, with a chosen probability.

Thresholds are tested from the largest confidence down, each by the exact upper bound of its error, until the first
fails. In this fixed order no correction for many tests is needed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.errors import UsageError
from calibeval.core.sums.ranking import Ranking
from calibeval.core.sums.sample import HASH
from calibeval.core.uncertainty.special import bernoulli_divergence, binomial_cdf, clopper_pearson

Counts = npt.NDArray[np.signedinteger]

DELTA = 0.05
LEAST_LIMIT = 1e-12  # an error that 3e12 rows without one would certify
FOLDS = 5
CHUNK, BLOCK = 4096, 2**20


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

    limit: from 1e-12, below 1. delta: in (0, 1). Raises: UsageError if they are not.

    >>> [units_needed(limit) for limit in (0.01, 0.02, 0.05, 0.1)]
    [299, 149, 59, 29]
    """
    for name, value in (("limit", limit), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise UsageError(f"{name} is {value}, but it must lie inside (0, 1)")
    if limit < LEAST_LIMIT:
        raise UsageError(f"limit is {limit}, but it must be at least {LEAST_LIMIT:g}")
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

    confidence, correct: (n,), n at least 1. limit: from 1e-12, below 1. delta: in (0, 0.5). groups: (n,) numbers of the
    groups 0, 1, ... of rows. slack: how far apart two neighbouring confidences may be and still tie.
    Raises: UsageError if limit or delta is out of range.
    Source: Angelopoulos et al., Annals of Applied Statistics 19:1641 (2025), fixed-sequence testing; Bauer, Statistics
    in Medicine 10:871 (1991).

    >>> stated, right = np.linspace(1.0, 0.6, 100), np.arange(100) < 70
    >>> found = certified(stated, right, 0.05)
    >>> found.rows, found.errors, round(found.threshold, 3), certified(stated[:58], right[:58], 0.05).threshold
    (70, 0, 0.721, None)
    """
    stated, right = np.asarray(confidence, np.float64), np.asarray(correct, np.bool_)
    ranking = Ranking.of(stated, right, slack)
    units = None if groups is None else _of_groups(stated, right, groups, ranking.confidence)
    return certified_ranking(ranking, limit, delta, units)


def certified_ranking(
    ranking: Ranking, limit: float, delta: float = DELTA, units: tuple[Floats, Floats] | None = None
) -> Certified:
    """As `certified`, of ranked rows. units: units up to each confidence and the wrong ones, (m,); None for rows."""
    needed = _needed(limit, delta)
    counted, wrong = (ranking.rows_to, ranking.wrong_to) if units is None else units
    more = np.flatnonzero(ranking.wrong)  # groups are only wrong by wrong rows
    start, passed = _passed(counted, more, wrong[more], needed, limit, delta)
    found, at = passed > start, min(max(passed - 1, start), len(counted) - 1)
    rows, errors = int(ranking.rows_to[at]), int(ranking.wrong_to[at])
    return Certified(
        threshold=float(ranking.confidence[at]) if found else None,
        coverage=rows / ranking.n if found else 0.0,
        rows=rows,
        errors=errors,
        units=int(counted[at]),
        unit_errors=int(wrong[at]),
        bound=upper_bound(int(wrong[at]), int(counted[at]), delta),
        limit=limit,
        delta=delta,
        needed=needed,
    )


def cross_fitted_coverage(
    confidence: npt.ArrayLike,
    correct: npt.ArrayLike,
    limit: float,
    delta: float = DELTA,
    groups: npt.NDArray[np.integer] | None = None,
    slack: float = 0.0,
) -> tuple[float | None, float | None]:
    """The coverage on rows that thresholds were not chosen on, and the error of the rows answered there.

    Each of five parts is answered by the threshold that the other four certify, so by one of fewer rows. The rows of a
    group stay together. The error is None if no row is answered; both are None if four of the parts have fewer rows or
    groups than a threshold needs, as they then answer nothing, however good the model is.

    Arguments: as for `certified`.

    >>> stated, right = np.linspace(1.0, 0.6, 200), np.arange(200) < 140
    >>> cross_fitted_coverage(stated, right, 0.05)[0] == certified(stated, right, 0.05).coverage
    False
    """
    stated, right = np.asarray(confidence, np.float64), np.asarray(correct, np.bool_)
    if groups is None:
        return cross_fitted_ranking(Ranking.of(stated, right, slack), limit, delta)
    parts, answered = _part_of(groups), np.zeros(len(stated), np.bool_)
    for part in range(FOLDS):
        own = parts == part
        if own.all() or not own.any():
            continue
        found = certified(stated[~own], right[~own], limit, delta, groups[~own], slack)
        if found.units < found.needed:
            return None, None
        if found.threshold is not None:
            answered |= own & (stated >= found.threshold)
    rows = int(answered.sum())
    return rows / len(stated), float((~right[answered]).sum()) / rows if rows else None


class OtherParts(NamedTuple):
    """For each of five parts of ranked rows, what the other four have.

    at: (e,) the confidences with wrong rows. units: five times (m,), rows up to each confidence. wrong: five times
    (e,), wrong rows up to these.
    """

    at: Indices
    units: list[Counts]
    wrong: list[Counts]

    @classmethod
    def of(cls, ranking: Ranking) -> OtherParts:
        """Parts are those of the places of rows in ascending order; of equal confidences, wrong rows come first."""
        n, at = ranking.n, np.flatnonzero(ranking.wrong)
        whole: type[np.signedinteger] = np.int32 if n < 2**31 else np.int64
        starts, wrong = (n - ranking.rows_to).astype(np.intp), ranking.wrong[at].astype(np.intp)
        places = (starts, starts[at], starts[at] + wrong)
        found = [[np.empty(len(one), whole) for one in places] for _ in range(FOLDS)]
        totals = np.zeros(FOLDS, whole)
        for first in range(0, n + 1, BLOCK):
            parts = _part_of(np.arange(first, min(first + BLOCK, n)))
            within = [slice(*(len(one) - np.searchsorted(one[::-1], (first + BLOCK, first)))) for one in places]
            for part, counts in enumerate(found):
                others = np.cumsum(np.append(False, parts != part), dtype=whole) + totals[part]
                totals[part] = others[-1]
                for one, own, here in zip(places, counts, within, strict=True):
                    own[here] = others[one[here] - first]
        return cls(
            at,
            [total - counts[0] for total, counts in zip(totals, found, strict=True)],
            [np.cumsum(counts[2] - counts[1], dtype=whole) for counts in found],
        )


def cross_fitted_ranking(
    ranking: Ranking, limit: float, delta: float = DELTA, parts: OtherParts | None = None
) -> tuple[float | None, float | None]:
    """As `cross_fitted_coverage`, of ranked rows. parts: of the ranking, if they are known."""
    needed, own = _needed(limit, delta), OtherParts.of(ranking) if parts is None else parts
    if any(int(units[-1]) < needed for units in own.units):
        return None, None
    answered, errors = 0.0, 0.0
    for units, wrong in zip(own.units, own.wrong, strict=True):
        start, passed = _passed(units, own.at, wrong, needed, limit, delta)
        if passed > start:
            last = int(
                np.searchsorted(units, units[passed - 1])
            )  # the threshold is the confidence of one of these rows
            before = int(np.searchsorted(own.at, last, side="right"))
            answered += float(ranking.rows_to[last]) - int(units[last])
            errors += float(ranking.wrong_to[last]) - (int(wrong[before - 1]) if before else 0)
    return answered / ranking.n, errors / answered if answered else None


def _needed(limit: float, delta: float) -> int:
    if not 0.0 < delta < 0.5:
        raise UsageError(f"delta is {delta}, but it must lie inside (0, 0.5)")
    return units_needed(limit, delta)


def _part_of(numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """One of five parts for each number, mixed evenly and without a period."""
    mixed = numbers.astype(np.uint32) * np.uint32(HASH)  # modulo 2^32
    return (mixed.astype(np.uint64) * np.uint64(FOLDS) >> np.uint64(32)).astype(np.uint8)


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


def _passed(
    units: Floats | Counts, more: Indices, wrong: Floats | Counts, needed: int, limit: float, delta: float
) -> tuple[int, int]:
    """The first of all tests, and the first that fails.

    Between two errors the bound falls, so it is only computed where errors come, and there only if neither the share of
    errors nor Chernoff's bound decides.

    units: (m,), ascending. more, wrong: (e,) the tests before which errors come, and how many there are then.
    """
    start = int(np.searchsorted(units, needed))
    if start == len(units):
        return start, start
    first = max(int(np.searchsorted(more, start, side="right")) - 1, 0)
    more, wrong = np.maximum(more[first:], start), wrong[first:]  # errors before the first test count there
    found = units[more]
    fails = wrong >= limit * found  # the median of a binomial: p of 1/2 at least
    last = int(np.argmax(fails)) if fails.any() else len(more)
    end = int(more[last]) if last < len(more) else len(units)
    more, wrong, found = more[:last], wrong[:last], found[:last]
    tested = np.flatnonzero((wrong > 0) & (found * bernoulli_divergence(wrong / found, limit) < -math.log(delta)))
    for first in range(0, len(tested), CHUNK):
        here = tested[first : first + CHUNK]
        fails = binomial_cdf(wrong[here], found[here], limit) > delta
        if fails.any():
            return start, int(more[here[np.argmax(fails)]])
    return start, end
