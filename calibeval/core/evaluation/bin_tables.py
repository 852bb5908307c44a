"""The bins of a report with their means, of all rows and of one class against the rest, and the weights of rows."""

from __future__ import annotations

from calibeval.core.data.arrays import Floats
from calibeval.core.data.positive import class_title
from calibeval.core.data.predictions import Predictions
from calibeval.core.report.report import Bin, ClassView, WeightCount
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.sums import Sums


def weights_of(predictions: Predictions, sums: Sums) -> WeightCount | None:
    """The weights of rows as a report records them."""
    if predictions.weights is None:
        return None
    return WeightCount(predictions.weights.column, float(sums.n), predictions.weights.zero)


def bin_table(sums: BinSums, edges: Floats) -> tuple[Bin, ...]:
    """The bins with their means. sums, edges: (m,) and (m + 1,)."""
    rows: list[Bin] = []
    if sums.rows is not None:
        return _weighted_table(sums, sums.rows, edges)
    columns = (edges[:-1].tolist(), edges[1:].tolist(), sums.count.tolist(), sums.p.tolist(), sums.y.tolist())
    for lower, upper, count, p, y in zip(*columns, strict=True):
        if count == 0:
            rows.append(Bin(lower, upper, 0, None, None, None))
        else:
            rows.append(Bin(lower, upper, int(count), p / count, y / count, (p - y) / count))
    return tuple(rows)


def _weighted_table(sums: BinSums, counts: Floats, edges: Floats) -> tuple[Bin, ...]:
    rows, every, effective = [], float(sums.count.sum()), sums.effective.tolist()
    columns = (edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), sums.count.tolist(), sums.p.tolist())
    for i, (lower, upper, rows_in, weight, p) in enumerate(zip(*columns, strict=True)):
        if rows_in == 0 or weight <= 0.0:
            rows.append(Bin(lower, upper, int(rows_in), None, None, None, 0.0, 0.0))
        else:
            y = min(float(sums.y[i]), weight)
            gap = (p - y) / weight
            rows.append(Bin(lower, upper, int(rows_in), p / weight, y / weight, gap, weight / every, effective[i]))
    return tuple(rows)


def class_view(sums: Sums, predictions: Predictions, index: int) -> ClassView | None:
    """One class against the rest; None if class-wise sums were not computed."""
    if sums.classes is None:
        return None
    own = sums.classes.row(index)
    prevalence = min(max(float(own.y.sum()) / float(own.count.sum()), 0.0), 1.0)
    return ClassView(class_title(predictions, index), index, prevalence, bin_table(own, sums.edges))
