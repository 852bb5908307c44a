"""Consistency ranges: where the accuracy of a bin lies in most samples if the confidences are true."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from calibeval.core.errors import InputError, UsageError
from calibeval.core.uncertainty.special import log_gamma, normal_quantile

# Beyond this variance, the distribution of the count is approximated by a normal one with a correction for skewness;
# the range, which is then at least 390 rows wide, is off by at most one row.
_NORMAL_ABOVE = 1e4
# Rounding of weighted sums of confidences may move a mean beyond 0 or 1 by this much.
_ROUNDING = 1e-9


class ConsistencyRange(NamedTuple):
    """The ends of a range of accuracies, as fractions, both included."""

    low: float
    high: float


@lru_cache(maxsize=4096)
def consistency_range(count: float, confidence: float, level: float = 0.95) -> ConsistencyRange:
    """The central range that contains the accuracy of a calibrated bin in at least `level` of all samples.

    The number of correct rows is then binomial: at most (1 - level) / 2 of its probability lies below the range, and at
    most the same above it. Rows with unequal confidences vary a little less, so the range is slightly too wide.

    count: number of rows in the bin, at least 1; an effective number is rounded. confidence: their mean confidence, in
    [0, 1]. level: in (0, 1).
    Raises: InputError for an invalid count or confidence; UsageError if level is not in (0, 1).
    Source: Broecker & Smith, Weather and Forecasting 22:651 (2007), with the quantiles computed, not resampled.

    >>> consistency_range(10, 0.5)
    ConsistencyRange(low=0.2, high=0.8)
    >>> consistency_range(1, 0.99)
    ConsistencyRange(low=1.0, high=1.0)
    """
    if not count > 0:
        raise InputError(f"count is {count}, but a consistency range needs at least 1 row")
    count = max(1, round(count))
    if not -_ROUNDING <= confidence <= 1.0 + _ROUNDING:
        raise InputError(f"confidence is {confidence}, but it must lie in [0, 1]")
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}, but it must lie inside (0, 1)")
    chance, tail = min(max(confidence, 0.0), 1.0), 0.5 * (1.0 - level)
    variance = count * chance * (1.0 - chance)
    if variance == 0.0:
        return ConsistencyRange(chance, chance)
    low, high = (_normal_ends if variance > _NORMAL_ABOVE else _exact_ends)(count, chance, tail)
    return ConsistencyRange(low / count, high / count)


def _exact_ends(count: int, chance: float, tail: float) -> tuple[float, float]:
    """The ends from summing the binomial probabilities around the mean; the neglected rest is below 1e-20."""
    mean, deviation = count * chance, math.sqrt(count * chance * (1.0 - chance))
    reach = 10.0 * deviation + 40.0
    hits = np.arange(max(0.0, math.floor(mean - reach)), min(count, math.ceil(mean + reach)) + 1.0)
    log_weight = hits * math.log(chance) + (count - hits) * math.log1p(-chance)
    log_weight -= log_gamma(hits + 1.0) + log_gamma(count - hits + 1.0)
    below = np.cumsum(np.exp(log_weight - log_weight.max()))
    below /= below[-1]
    low = int(np.searchsorted(below, tail + 1e-12, side="right"))
    high = int(np.searchsorted(below, 1.0 - tail - 1e-12, side="left"))
    return float(hits[low]), float(hits[high])


def _normal_ends(count: int, chance: float, tail: float) -> tuple[float, float]:
    """The ends from the Cornish-Fisher expansion to first order in the skewness, with a continuity correction."""
    z = -normal_quantile(tail)
    mean = count * chance + (z * z - 1.0) * (1.0 - 2.0 * chance) / 6.0
    reach = z * math.sqrt(count * chance * (1.0 - chance))
    return max(0.0, math.ceil(mean - reach - 0.5)), min(float(count), math.ceil(mean + reach - 0.5))
