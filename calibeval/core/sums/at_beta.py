"""What rows are at one inverse temperature, by the compiled kernel: the NLL and its derivatives, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.kernel import Kernel

DONE = 0
COLUMNS = 8
ROWS = 2**13  # results of so many rows lie in a cache


class AtBeta(NamedTuple):
    """Of each row, (b,): what follows from its log-scores z and its label at the inverse temperature beta.

    loss: the NLL. excess: its first derivative with respect to log beta. variance, third: the second cumulant of the
    loss and minus its third, as in `excess_of`. confidence, rise: the largest probability, and its derivative.
    label: the label's score minus the largest. before: the NLL at beta = 1, or 0 if it was not asked for.
    """

    loss: Floats
    excess: Floats
    variance: Floats
    third: Floats
    confidence: Floats
    rise: Floats
    label: Floats
    before: Floats


def at_beta(
    kernel: Kernel,
    scores: npt.NDArray[Any],
    labels: npt.NDArray[np.integer[Any]] | None,
    of_label: Floats | None,
    beta: float,
    *,
    axis: int = 1,
    before: bool = False,
) -> AtBeta | None:
    """The rows at beta; None where numpy must: of values that are no numbers, or without memory.

    scores: log-scores up to a constant for each row, float32 or float64, (b, k), or (k, b) on axis 0. labels: (b,), of
    probabilities above 0, or else None also; if it is None, of_label has the labels' scores, (b,).
    """
    b, k = scores.shape if axis == 1 else scores.shape[::-1]
    if not b or k < 2 or not 0.0 < beta < np.inf or scores.dtype not in (np.float32, np.float64):
        return None
    found = np.empty((COLUMNS, b))
    stored = np.require(scores, scores.dtype.newbyteorder("="), ["C", "A"])
    places = None if labels is None else np.require(labels, np.int64, ["C", "A"])
    own = None if of_label is None else np.require(of_label, np.float64, ["C", "A"])
    flag = kernel.module.at_beta(kernel.which, stored.itemsize, k, axis == 0, before, stored, places, own, beta, found)
    return AtBeta(*found) if flag == DONE else None


class StoredRows(NamedTuple):
    """Rows of logits for the kernel, as they are stored, with their labels, and weights if they have any."""

    scores: npt.NDArray[Any]
    labels: npt.NDArray[np.integer[Any]]
    weights: Floats | None

    def at(self, kernel: Kernel, beta: float, *, before: bool = False) -> AtBeta | None:
        """The rows at beta, as `at_beta`."""
        return at_beta(kernel, self.scores, self.labels, None, beta, before=before)


def stored_rows(
    scores: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]], weights: Floats | None
) -> Iterator[StoredRows]:
    """Logits in parts whose results lie in a cache; in float32 if it holds all of them, else in float64."""
    small = scores.dtype.kind == "f" and scores.dtype.itemsize <= np.dtype(np.float32).itemsize
    for start in range(0, len(labels), ROWS):
        here = slice(start, start + ROWS)
        own = np.ascontiguousarray(scores[here], np.float32 if small else np.float64)
        yield StoredRows(own, labels[here], None if weights is None else weights[here])
