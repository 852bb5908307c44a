"""The largest coverage that rows do not disprove: the counterpart of the one that they certify."""

from __future__ import annotations

import math

import numpy as np

from calibeval.core.sums.ranking import Ranking
from calibeval.core.uncertainty.certified import CHUNK, DELTA
from calibeval.core.uncertainty.special import bernoulli_divergence, binomial_cdf, clopper_pearson


def possible_for_new_rows(ranking: Ranking, limit: float, delta: float = DELTA) -> float:
    """The largest coverage, as a share of new rows, that these do not disprove; arguments as for `possible_coverage`.

    With probability 1 - delta at least, it is no smaller than the largest true coverage whose true error is at most the
    limit. Half of delta is for the error of these rows above that threshold, half for how many there are: their share
    of a sample is smaller than the true one as often as not. The threshold is fixed, so their number is binomial.
    Source: Clopper & Pearson, Biometrika 26:404 (1934), one-sided.

    >>> stated, right = np.linspace(1.0, 0.6, 100), np.arange(100) < 70
    >>> round(possible_for_new_rows(Ranking.of(stated, right), 0.05), 3)
    0.857
    """
    share = possible_coverage(ranking, limit, 0.5 * delta)
    n = float(ranking.curve().rows[-1])
    return float(clopper_pearson([round(share * n)], [n], 1.0 - delta)[1][0])


def possible_coverage(ranking: Ranking, limit: float, delta: float = DELTA) -> float:
    """The largest coverage whose error these rows do not prove to be above the limit: 0 if they do so for each.

    It is of these rows: with probability 1 - delta at least, it is no smaller than their share above the threshold
    whose true error is at the limit, by the exact lower bound there.

    ranking: of independent rows. limit, delta: as for `certified`.

    >>> from calibeval.core.uncertainty.certified import certified
    >>> stated, right = np.linspace(1.0, 0.6, 100), np.arange(100) < 70
    >>> certified(stated, right, 0.05).coverage, possible_coverage(Ranking.of(stated, right), 0.05)
    (0.7, 0.77)
    """
    curve = ranking.curve()
    share = curve.risk
    apart = np.maximum(share - limit, 0.0)  # Pinsker's inequality: the divergence is at least twice its square
    open_ = np.flatnonzero(2.0 * curve.rows * np.square(apart) < -math.log(delta))
    divergence = curve.rows[open_] * bernoulli_divergence(share[open_], limit)
    open_ = open_[(share[open_] <= limit) | (divergence < -math.log(delta))]
    for last in range(len(open_), 0, -CHUNK):
        here = open_[max(last - CHUNK, 0) : last]
        # At least so many errors: one minus the chance of fewer, which is that of more right rows.
        right = curve.rows[here] - curve.wrong[here]
        kept = (share[here] <= limit) | (right == curve.rows[here])
        kept[~kept] = binomial_cdf(right[~kept], curve.rows[here][~kept], 1.0 - limit) > delta
        if kept.any():
            return float(curve.coverage[here[np.flatnonzero(kept)[-1]]])
    return 0.0
