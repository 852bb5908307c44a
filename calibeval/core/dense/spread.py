"""The values of single images: the worst, the quartiles, and whether one of them is infinite."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import Notice, reason
from calibeval.core.report.per_image import ImageValue, WorstImage

MOST_WORST = 3
MOST_SPREAD = 2000  # values of single images that a report keeps


def infinite(values: Floats) -> Notice | None:
    """Why there is no mean over images: it is infinite if the value of one image is. None if all are finite.

    values: (j,), NaN where undefined.

    >>> str(infinite(np.array([0.5, np.inf, np.nan])))
    'infinite: in 1 of 3 images, a label has probability 0'
    """
    count = int(np.isinf(values).sum())
    if not count:
        return None
    text = f"infinite: in {count:,} of {len(values):,} images, a label has probability 0"
    return reason("infinite", text)


def quartiles_of(values: Floats) -> tuple[float | None, float | None, float | None]:
    """The quartiles of the images' values, NaN where undefined; None where they are infinite, or there is no value.

    >>> quartiles_of(np.array([1.0, 2.0, 3.0, np.inf, np.inf, np.nan]))
    (2.0, 3.0, None)
    """
    own = values[~np.isnan(values)]
    if not len(own):
        return None, None, None
    finite = own[np.isfinite(own)]
    shares = np.array([0.25, 0.5, 0.75])
    there = np.ceil(shares * (len(own) - 1)) < len(finite)
    whole = np.where(np.isfinite(own), own, finite.max(initial=0.0))
    low, middle, high = np.where(there, np.quantile(whole, shares), np.nan).tolist()
    return known(low), known(middle), known(high)


def worst_of(values: Floats, badness: Floats, names: Sequence[str]) -> tuple[WorstImage, ...]:
    """The values of the worst images, the worst first; those without a value are left out.

    >>> values = np.array([1.0, np.inf, np.nan])
    >>> [one.image for one in worst_of(values, values, ["a", "b", "c"])]
    ['b', 'a']
    """
    order = [int(one) for one in np.argsort(-badness, kind="stable") if not math.isnan(values[one])]
    return tuple(WorstImage(names[one], known(float(values[one]))) for one in order[:MOST_WORST])


def spread_of(values: Floats, names: Sequence[str]) -> tuple[ImageValue, ...]:
    """The values of images, the largest first; of many, those of evenly spaced ranks, with both ends."""
    order = np.argsort(-values, kind="stable")
    order = order[np.isfinite(values[order])]
    if len(order) > MOST_SPREAD:
        order = order[np.linspace(0, len(order) - 1, MOST_SPREAD).round().astype(int)]
    return tuple(ImageValue(names[one], float(values[one])) for one in order.tolist())


def known(value: float) -> float | None:
    """The value; None where it is no number."""
    return value if math.isfinite(value) else None
