"""Class-wise results with their noise, and what the interval of their mean needs in addition to the sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Indices
from calibeval.core.data.columns import kept_rows
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind
from calibeval.core.metrics.folded import classwise_errors
from calibeval.core.report.rows import ClassResult
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.class_spread import Weighted, class_spreads, sampled_spread
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.class_floors import class_floors
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


def with_sampled_spread(sums: Sums, samples: Sequence[Sample], kind: Kind) -> Sums:
    """The same of all rows, from the parts of the sample that a temperature is fitted on; unchanged without one."""
    if not samples or sums.classes is None or sums.done or not may_apply(sums.classes, sums.n):
        return sums
    spread = sampled_spread(samples, sums.rows_n, kind, sums.compared, weights_of(sums.classes, sums.n))
    return replace(sums, class_spread=spread)


def per_class(
    sums: Sums, predictions: Predictions, *, alone: bool, support: npt.NDArray[np.int64] | None = None
) -> tuple[ClassResult, ...]:
    """The results of every class; empty if only the top label is known.

    alone: whether rows are independent; only then is it known what a calibrated model would show. support: (k,), the
    number of rows of each class; None: it is counted.
    """
    if sums.classes is None:
        return ()
    if support is None and sums.classes.squared is None:
        support = sums.classes.y.sum(axis=1).astype(np.int64)
    elif support is None:
        support = np.bincount(predictions.labels[kept_rows(predictions)], minlength=len(sums.classes.count))
    gaps = -sums.classes.surplus.sum(axis=1) / sums.n
    names = predictions.class_names or tuple(str(k) for k in range(len(support)))
    errors = classwise_errors(sums.classes).tolist()
    known = (names, map(int, support.tolist()), errors, gaps.tolist())
    if not alone:
        return tuple(map(ClassResult, *known))
    rows = max(float(np.sum(sums.classes.count[0])), 1.0)  # where one weight is nearly all, below 1 by rounding
    floors = class_floors(sums.classes, rows)
    return tuple(map(ClassResult, *known, floors.expected.tolist(), floors.high.tolist()))
