"""What few errors in single bins allow, where one bin may decide a calibration error.

`small_counts` looks at all rows. A bin with few errors, or with few right rows, may be far from normal although all
rows together are not, and its accuracy has an exact interval, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.risk import FEW
from calibeval.core.uncertainty.special import clopper_pearson


class ThinBins(NamedTuple):
    """The bins with fewer than 30 errors, or fewer than 30 right rows, and what their exact intervals allow.

    places: of these bins. smallest, largest: of |accuracy - mean confidence| in each. excess: the largest mean
    confidence - accuracy, at least 0.
    """

    places: npt.NDArray[np.intp]
    smallest: Floats
    largest: Floats
    excess: Floats


def thin_bins(sums: BinSums, level: float) -> ThinBins:
    """The thin bins of (m,) sums; empty ones are none. level: of each interval, in (0, 1).

    Source: Clopper & Pearson, Biometrika 26:404 (1934).

    >>> found = thin_bins(BinSums(*(np.array([x, 0.0]) for x in (100.0, 99.0, 98.01, 100.0, 99.0))), 0.95)
    >>> found.places.tolist(), found.largest.round(4).tolist()
    ([0], [0.0262])
    """
    sums = sums.equivalent
    right = np.minimum(sums.y, sums.count - sums.y)
    places = np.flatnonzero((sums.count > 0) & (right < FEW * (1.0 - 1e-9)))  # 30 equal weights are 30
    own = sums.at(places)
    low, high = clopper_pearson(np.clip(own.y, 0.0, own.count), own.count, level)
    mean = own.p / own.count
    smallest = np.maximum(np.maximum(mean - high, low - mean), 0.0)
    return ThinBins(places, smallest, np.maximum(high - mean, mean - low), np.maximum(mean - low, 0.0))


def overconfidence_bound(sums: BinSums, n: float, level: float) -> float:
    """The largest contribution of a single thin bin to the overconfidence error that its exact interval allows.

    sums: (m,), top-label.

    >>> right = BinSums(*(np.array([x]) for x in (300.0, 299.97, 299.94, 300.0, 299.97)))
    >>> round(overconfidence_bound(right, 300, 0.95), 4)
    0.0121
    """
    found = thin_bins(sums, level)
    return float(np.max(sums.p[found.places] * found.excess / n, initial=0.0))


def square_bounds(sums: BinSums, n: float, level: float, observed: float, corrected: float) -> tuple[float, float]:
    """How small and how large the mean squared gap may be if one thin bin is known by its exact interval only.

    sums: (m,). observed, corrected: the measured mean squared gap, and the one without the bias from noise.

    >>> sums = BinSums(*(np.array(x) for x in ([900.0, 9.0], [810.0, 5.4], [729.0, 3.24], [720.0, 9.0], [648.0, 5.4])))
    >>> [round(x, 4) for x in square_bounds(sums, 909, 0.95, 0.0115, 0.0111)]
    [0.01, 0.0114]
    """
    found = thin_bins(sums, level)
    own = sums.at(found.places)
    share, square = own.count / n, own.surplus**2 / own.count / n
    excess = np.maximum(square - own.variance / own.count / n, 0.0)
    least = np.min(observed - square + share * found.smallest**2, initial=observed)
    most = np.max(corrected - excess + share * found.largest**2, initial=corrected)
    return max(float(least), 0.0), min(float(most), 1.0)
