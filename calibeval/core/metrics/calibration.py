"""Binned calibration errors, each from the sums of one pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums, Floats


class WorstBin(NamedTuple):
    """The bin with the largest gap: that gap, the bin's index from 0, and its number of rows."""

    gap: float
    bin: int
    rows: int


def ece(sums: BinSums) -> float:
    """Expected calibration error: mean |accuracy - confidence| over bins, weighted by their rows.

    Unitless, in [0, 1]; lower is better. Biased upwards for small n: compare it with its noise floor.
    On equal-mass bins it is the adaptive error, AECE.

    sums: BinSums of m bins; the first bin holds 0, every bin is (lower, upper]; empty bins weigh 0.
    Raises: InputError if no row was summed.
    Source: Naeini et al., AAAI 2015; Guo et al., ICML 2017. AECE: Nixon et al., CVPR workshops 2019.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> round(ece(bin_sums([.6, .8, .9, 1.], [1, 0, 1, 1], edges=[0, .5, 1])), 3)
    0.075
    """
    return float(np.abs(sums.gap).sum() / _rows(sums))


def mce(sums: BinSums) -> WorstBin:
    """Maximum calibration error: the largest |accuracy - confidence| of a non-empty bin.

    Unitless, in [0, 1]; lower is better. One small bin decides it, so look at the count.

    sums: BinSums of m bins.
    Raises: InputError if no row was summed.
    Source: Naeini et al., AAAI 2015.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> mce(bin_sums([.25, .75, .75], [1, 1, 0], edges=[0, .5, 1]))
    WorstBin(gap=0.75, bin=0, rows=1)
    """
    _rows(sums)
    gaps = np.abs(sums.gap) / np.maximum(sums.count, 1.0)
    worst = int(gaps.argmax())
    return WorstBin(float(gaps[worst]), worst, int(sums.count[worst]))


def oe(sums: BinSums) -> float:
    """Overconfidence error: mean over bins of confidence x (confidence - accuracy), where positive.

    Unitless, in [0, 1]; lower is better; blind to under-confidence.

    sums: BinSums of m bins.
    Raises: InputError if no row was summed.
    Source: Thulasidasan et al., NeurIPS 2019.

    >>> from calibeval.core.sums.binning import bin_sums
    >>> oe(bin_sums([.25, .75, .75], [1, 1, 0], edges=[0, .5, 1])) == (2 / 3) * .75 * .25
    True
    """
    confidence = sums.p / np.maximum(sums.count, 1.0)
    return float((confidence * np.maximum(-sums.gap, 0.0)).sum() / _rows(sums))


def classwise_errors(sums: BinSums) -> Floats:
    """Calibration error of each class's probability against the frequency of its label, over all rows.

    sums: BinSums of k classes and m bins, (k, m). Returns (k,), each in [0, 1].
    Raises: InputError if no row was summed.

    >>> from calibeval.core.sums.binning import BinSums, bin_sums
    >>> one = bin_sums([.25, .75], [1, 1], edges=[0, .5, 1])
    >>> both = BinSums(*(np.stack([getattr(one, f)] * 2) for f in ("count", "p", "pp", "y", "yp")))
    >>> classwise_errors(both).tolist()
    [0.5, 0.5]
    """
    return np.asarray(np.abs(sums.gap).sum(axis=1) / _rows(sums.row(0)))


def cwce(sums: BinSums) -> float:
    """Class-wise calibration error: the mean of `classwise_errors` over all k classes.

    Unitless; of order 1/k even for a poor model, so compare it at equal k only. Lower is better.

    sums: BinSums of k classes and m bins, (k, m).
    Raises: InputError if no row was summed.
    Source: Kull et al., NeurIPS 2019; Nixon et al. 2019 (static calibration error).

    >>> from calibeval.core.sums.binning import BinSums, bin_sums
    >>> one = bin_sums([.25, .75], [1, 1], edges=[0, .5, 1])
    >>> cwce(BinSums(*(np.stack([getattr(one, f)] * 2) for f in ("count", "p", "pp", "y", "yp"))))
    0.5
    """
    return float(classwise_errors(sums).mean())


def _rows(sums: BinSums) -> float:
    rows = float(sums.count.sum())
    if rows == 0:
        raise InputError("there are no rows to measure")
    return rows
