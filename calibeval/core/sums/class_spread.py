"""How much the weighted gaps of class-wise bins vary from row to row, from one more pass over some of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats, Indices
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.data.row_source import Kind
from calibeval.core.sums.binning import bin_index, rounded
from calibeval.core.sums.sample import Sample, chosen

READ_SCORES = 2**20  # at a time
# A variance needs no more rows than hold this number of scores: then its error is about 1 %.
ENOUGH_SCORES = 2**19


class Weighted(NamedTuple):
    """Some rows whose gaps are weighted. rows: ascending numbers of stored rows. edges: that p is compared with.

    weights: (k, m) of the class-wise bins.
    """

    rows: Indices
    edges: Floats
    weights: Floats


def class_spreads(predictions: Predictions, parts: Sequence[Weighted]) -> list[float]:
    """The variance of each row's weighted sum of gaps y - p, for each part, from one pass over their scores.

    Of many rows, an even choice is used, which is part of the sample that a temperature is fitted on.

    >>> dump = Predictions(probs=[[0.8, 0.2], [0.8, 0.2]], labels=[0, 1])
    >>> weights = np.array([[0.0, 1.0], [0.0, 0.0]])
    >>> class_spreads(dump, [Weighted(np.arange(2), np.array([0.0, 0.5, 1.0]), weights)])
    [0.25]
    """
    k = predictions.scores.shape[1]
    used = [part.rows[chosen(0, len(part.rows), len(part.rows), enough(k))] for part in parts]
    found: list[list[Floats]] = [[] for _ in parts]
    step, at_hand = max(1, READ_SCORES // k), getattr(predictions.scores, "held", False)
    for start in range(0, predictions.rows, step):
        cuts = [rows[slice(*np.searchsorted(rows, (start, start + step)))] for rows in used]
        there = [i for i, rows in enumerate(cuts) if len(rows)]
        if not there:
            continue
        scores = None if at_hand else predictions.scores[start : min(start + step, predictions.rows)]
        for i in there:
            own = rows_at(predictions.scores, cuts[i]) if scores is None else scores[cuts[i] - start]
            labels = predictions.labels[cuts[i]]
            found[i].append(row_sums(own, labels.astype(np.intp), predictions.kind, parts[i]))
    return [_variance(np.concatenate(sums)) for sums in found]


def sampled_spread(samples: Sequence[Sample], n: int, kind: Kind, edges: Floats, weights: Floats) -> float:
    """The same of all n rows, of which these parts of a sample are known. edges, weights: as in `Weighted`."""
    whole, found = Weighted(np.empty(0, np.intp), edges, weights), []
    for part in samples:
        own = part.of(n, enough(part.scores.shape[1]))
        found.append(row_sums(own.scores, own.labels.astype(np.intp), kind, whole))
    return _variance(np.concatenate(found))


def enough(k: int) -> int:
    """The number of rows of k classes that a variance needs."""
    return max(1, ENOUGH_SCORES // k)


def row_sums(scores: npt.NDArray[Any], labels: Codes, kind: Kind, part: Weighted) -> Floats:
    """The weighted sum of gaps of each row. scores: (n, k) as stored. labels: (n,)."""
    b, weights = len(labels), part.weights
    p = np.ascontiguousarray(probabilities(np.ascontiguousarray(scores.T), kind, axis=0))
    p = rounded(p, kind, out=p)
    # Few probabilities lie above the first bin.
    place = np.flatnonzero(p > part.edges[1])
    above, classes, first = p.ravel().take(place), place // b, np.ascontiguousarray(weights[:, 0])
    cells = classes * weights.shape[1] + bin_index(above, part.edges)
    stated = np.einsum("ij,i->j", p, first)
    stated += np.bincount(place % b, weights=(weights.ravel().take(cells) - first.take(classes)) * above, minlength=b)
    of_label = labels * weights.shape[1] + bin_index(p[labels, np.arange(b)], part.edges)
    return np.asarray(weights.ravel().take(of_label) - stated)


def _variance(values: Floats) -> float:
    centred = values - np.add.reduce(values) / len(values)
    return float(np.add.reduce(centred * centred)) / len(values)
