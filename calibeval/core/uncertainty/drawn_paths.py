"""Intervals of errors that have no closed form: a test is inverted along a path of populations, by drawn samples.

A population on the path has the accuracy c + t (f - c) at a confidence c, where f is the isotonic regression of what
was seen: t = 0 is a calibrated model, t = 1 the regression. From each population, samples are drawn with a fixed seed;
the number of rows at each confidence varies, too. The interval holds those populations for which the measured value
lies between the 2.5 % and the 97.5 % quantile of the samples' values. So it knows how much too large the value is, as
a rule, and begins at 0 where a calibrated model could have it.

All this is done in at most some 400 cells of neighbouring confidences, half of them with equally many rows, half with
the same share of the expected errors. The value, too, is computed in cells, so that their width matters little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.risk import decided_by_few
from calibeval.core.uncertainty.floors import cube_root_quantile
from calibeval.core.uncertainty.intervals import LEAST_BIN_ROWS, Interval
from calibeval.core.uncertainty.isotonic import isotonic
from calibeval.core.uncertainty.isotonic_pairs import fitted
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.small_counts import Shift, exact_ends

# Cells of equally many rows, and as many with the same share of the expected errors; samples drawn at each place.
CELLS, DRAWS, SEED = 192, 100, 2022
# Places on the path at which samples are drawn, until even unusually small values exceed the measured one.
PLACES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
MOST_SKEW = 2.0
# By how much intervals are widened, since both the path and the spread of samples are estimates.
WIDER = 1.1
WEIGHTED = "samples are not drawn for rows with weights"
# What the accuracy is at the start of the path: the confidence, or that of all rows.
Start = Literal["confidence", "accuracy"]
NOTHING = 1e-12  # what rounding leaves of 0


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of the same m cells. rows, share: (d, m), number of rows and share of right ones. confidence: (m,)."""

    rows: Floats
    confidence: Floats
    share: Floats
    cache: dict[str, Floats] = field(default_factory=dict)

    @property
    def total(self) -> Floats:
        """The number of rows of each sample, (d, 1)."""
        return np.asarray(self.rows.sum(axis=1, keepdims=True))

    @property
    def fit(self) -> Floats:
        """The isotonic regressions, (d, m)."""
        if "fit" not in self.cache:
            self.cache["fit"] = isotonic(self.share, self.rows)
        return self.cache["fit"]

    @property
    def surplus(self) -> Floats:
        """The sum of correct - confidence of each cell, divided by the rows of the sample, (d, m)."""
        return np.asarray(self.rows * (self.share - self.confidence) / self.total)

    def mean(self, values: Floats) -> Floats:
        """The mean over rows, (d,). values: (d, m)."""
        return np.asarray((values * self.rows).sum(axis=1) / self.total[:, 0])


Numbers = Callable[[Samples], Floats]


class _Place(NamedTuple):
    population: Samples
    drawn: Samples


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """The path from one start. seen: what was measured, as one sample. target: the accuracies at t = 1, (m,)."""

    seen: Samples
    start: Floats
    target: Floats
    rows: Floats
    found: dict[float, _Place] = field(default_factory=dict)

    def at(self, place: float) -> _Place:
        """The population at this place, and samples of it."""
        if place not in self.found:
            chance = np.clip(self.start + place * (self.target - self.start), 0.0, 1.0)
            counts = np.rint(self.seen.rows[0]).astype(np.int64)
            share = np.random.default_rng(SEED).binomial(counts, chance, self.rows.shape) / counts
            confidence = self.seen.confidence
            self.found[place] = _Place(
                Samples(self.seen.rows, confidence, chance[None, :]), Samples(self.rows, confidence, share)
            )
        return self.found[place]


def path_interval(pairs: Pairs, numbers: Numbers, level: float, start: Start = "confidence") -> Interval:
    """The interval of the value that `numbers` gives for each of some samples, with the value without bias.

    Values must grow along the path. Raises: NotComputable for weights, and for fewer than 5 rows.
    Source: own method; tests/benchmarks/coverage_without_bins.py.
    """
    if pairs.rows < LEAST_BIN_ROWS:
        raise NotComputable("few_rows", f"there are fewer than {LEAST_BIN_ROWS} rows")
    path, z = _path(pairs, start), WIDER * Level(level).z
    value = float(numbers(path.seen)[0])
    points: list[tuple[float, ...]] = []
    for place in PLACES:
        population, drawn = path.at(place)
        samples = numbers(drawn)
        mean, spread = float(samples.mean()), float(samples.std())
        skew = float(np.mean((samples - mean) ** 3)) / spread**3 if spread > 0.0 else 0.0
        half = 0.5 * min(max(skew, 0.0), MOST_SKEW)
        far = [mean + spread * cube_root_quantile(score, half) for score in (z, -z)]
        points.append((float(numbers(population)[0]), mean, *far))
        if far[1] >= value:
            break
    truth, mean_line, high_line, low_line = np.maximum.accumulate(np.array(points), axis=0).T
    # The lower end is where the value would be unusually large.
    found = [float(np.interp(value, line, truth)) for line in (high_line, mean_line, low_line)]
    # Where all accuracies of the path end at 0 or 1, only other confidences give larger values: the samples' spread.
    found[2] += max(value - float(low_line[-1]), 0.0)
    low, centre, high = (end if abs(end) > NOTHING else 0.0 for end in found)
    return Interval(low, high, min(max(centre, low), high))


def reach_of(pairs: Pairs, level: float) -> Shift:
    """How far the accuracy of all rows may differ from what was measured: for errors that are at least |gap|."""
    right, n = float(np.add.reduce(pairs.weighed(pairs.correct.astype(np.float64)))), float(pairs.rows)
    return Shift(pairs.mean(pairs.confidence), right / n, *exact_ends(right, n, level), decided_by_few(right, n))


def gap_reach(pairs: Pairs, level: float) -> float:
    """How large |mean confidence - accuracy| may be: by its normal interval, or by the exact one of the accuracy.

    >>> round(gap_reach(Pairs.of([0.5, 1.0] * 50, [True] * 100), 0.95), 3)  # 0.25 + 1.96 * 0.025
    0.299
    """
    apart = pairs.confidence - pairs.correct
    gap = pairs.mean(apart)
    error = math.sqrt(max(pairs.mean(np.square(apart)) - gap * gap, 0.0) / pairs.rows)
    return min(max(abs(gap) + Level(level).z * error, reach_of(pairs, level).largest_gap), 1.0)


def allowing_gap(found: Interval, value: float, slack: float, largest: float) -> Interval:
    """The interval of an error that is never smaller than |gap|, extended by what the intervals of the gap allow.

    slack: by how much the measured |gap| may exceed the true one. largest: how large the latter may be.

    >>> allowing_gap(Interval(0.1, 0.2, 0.15), 0.2, 0.1, 0.3)
    Interval(low=0.1, high=0.3, corrected=0.15)
    """
    return Interval(min(found.low, max(value - slack, 0.0)), min(max(found.high, largest), 1.0), found.corrected)


def _path(pairs: Pairs, start: Start) -> _Path:
    if pairs.weights is not None:
        raise NotComputable("weighted_rows", WEIGHTED)
    name = f"path from {start}"
    if name not in pairs.cache:
        rows, confidence, right, target = _cells(pairs)
        begin = confidence if start == "confidence" else np.full(len(rows), right.sum() / rows.sum())
        seen = Samples(rows[None, :], confidence, (right / rows)[None, :])
        # Gamma variables vary like numbers of rows, and are never 0.
        drawn = np.random.default_rng(SEED + 1).gamma(rows, size=(DRAWS, len(rows)))
        pairs.cache[name] = _Path(seen, begin, target, np.maximum(drawn, 1e-9))
    found: _Path = pairs.cache[name]
    return found


def _cells(pairs: Pairs) -> tuple[Floats, Floats, Floats, Floats]:
    """Of every cell: rows, mean confidence, right rows, mean of the isotonic regression."""
    if "path cells" not in pairs.cache:
        count, confidence, right, lengths = pairs.runs
        fit = fitted(pairs)[np.cumsum(lengths) - 1]
        if len(count) > 2 * CELLS:
            errors = count * confidence * (1.0 - confidence)
            starts = np.unique(np.concatenate([_starts(own) for own in (count, errors)]))
            rows = np.add.reduceat(count, starts)
            means = (np.add.reduceat(count * own, starts) / rows for own in (confidence, fit))
            confidence, fit = (np.clip(mean, 0.0, 1.0) for mean in means)
            count, right = rows, np.add.reduceat(right, starts)
        pairs.cache["path cells"] = (count, confidence, right, fit)
    found: tuple[Floats, Floats, Floats, Floats] = pairs.cache["path cells"]
    return found


def _starts(values: Floats) -> Indices:
    """Where values have reached each of CELLS equal shares of their sum; 0 first."""
    total = np.cumsum(values)
    ends = np.arange(CELLS) / (CELLS * (1.0 - 1e-12)) * total[-1]
    found = np.searchsorted(total, ends, side="right") if total[-1] > 0.0 else np.zeros(1, np.intp)
    return np.asarray(np.append(0, found[found < len(total)]))
