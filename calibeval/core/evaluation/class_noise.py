"""What the interval of the class-wise error needs in addition to the sums: the variance of a weighted row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.data.arrays import Indices
from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.class_spread import Weighted, class_spreads
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.debiased_interval import may_apply, weights_of


def with_class_spread(predictions: Predictions, rows: Sequence[Indices], sums: Sequence[Sums]) -> list[Sums]:
    """The sums of each part, with the variance where the interval may use it; this reads some of the scores again.

    rows: ascending numbers of the stored rows of each part. Weighted rows have no such interval.
    """
    wanted: dict[int, BinSums] = {}
    for i, one in enumerate(sums):
        if one.classes is not None and not one.done and may_apply(one.classes, one.n):
            wanted[i] = one.classes
    found = list(sums)
    if wanted:
        parts = [Weighted(rows[i], sums[i].compared, weights_of(own, sums[i].n)) for i, own in wanted.items()]
        for i, spread in zip(wanted, class_spreads(predictions, parts), strict=True):
            found[i] = replace(found[i], class_spread=spread)
    return found
