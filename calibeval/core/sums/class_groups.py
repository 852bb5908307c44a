"""Gap sums of class-wise bins by group of rows, for variances where only groups are independent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats, Indices
from calibeval.core.sums.binning import bin_index, rounded
from calibeval.core.sums.class_pairs import ClassRows, part_rows, probabilities_of
from calibeval.core.sums.lines import quiet_lines
from calibeval.core.sums.rows import FEW_CLASSES
from calibeval.core.sums.threads import in_order


def class_group_totals(model: ClassRows, labels: Codes, groups: Codes, jobs: int = 1) -> Floats:
    """The sums of y - p by group, class and bin, (j, k, m), from one pass over the scores.

    labels, groups: (n,) of the model's rows; groups are numbers in [0, j), each of which occurs. jobs: threads.
    """
    k, m, count = model.predictions.scores.shape[1], len(model.edges) - 1, int(groups.max()) + 1
    totals, first = np.zeros(count * k * m), np.zeros((count, k))
    step = part_rows(k)
    parts = ((slice(i * step, (i + 1) * step), scores) for i, scores in enumerate(model.blocks(step)))

    def summed(part: tuple[slice, npt.NDArray[Any]]) -> _Part:
        here, scores = part
        return _part(model, scores, labels[here], groups[here], model.nll[here])

    for part in in_order(summed, parts, jobs):
        np.add.at(totals, part.cells, part.gaps)
        first[part.groups] -= part.whole
    found = totals.reshape(count, k, m)
    found[:, :, 0] += first
    return found


class _Part(NamedTuple):
    """Sums of consecutive rows. cells, gaps: flat (j, k, m) positions and what is added there.

    groups: which occur, ascending; whole: the sums of their probabilities of each class, without labels, to be taken
    from the first bins.
    """

    cells: Indices
    gaps: Floats
    groups: Codes
    whole: Floats


def _part(model: ClassRows, scores: npt.NDArray[Any], labels: Codes, groups: Codes, nll: Floats) -> _Part:
    """What these rows add; entries above the first bin are added to their bin, and taken back from the first."""
    b, k = scores.shape
    m, axis = len(model.edges) - 1, 0 if k <= FEW_CLASSES else 1
    with quiet_lines():
        block = probabilities_of(model, scores, labels, nll, np.empty(b * k), axis)
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    table = block.every.reshape((k, b) if axis == 0 else (b, k))
    whole = np.add.reduceat(table.take(order, axis=1 - axis), starts, axis=1 - axis)
    place = np.flatnonzero(block.every > model.edges[1])
    classes, rows = (place // b, place % b) if axis == 0 else (place % k, place // k)
    exact = block.every.take(place)
    above = rounded(exact, model.predictions.kind)
    of_row = groups[rows] * k + classes
    of_label = (groups * k + labels) * m + bin_index(block.label, model.edges)
    return _Part(
        cells=np.concatenate((of_row * m + bin_index(above, model.edges), of_row * m, of_label)),
        gaps=np.concatenate((-above, exact, 1.0 - block.label)),
        groups=present,
        whole=whole.T if axis == 0 else whole,
    )
