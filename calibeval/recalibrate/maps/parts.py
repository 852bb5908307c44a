"""The rows of a dump as blocks of log-scores, read again in each pass or kept, for maps with many parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.softmax import fused_softmax
from calibeval.recalibrate.base.scores import FEW_CLASSES, chunk_rows, label_scores, log_scores
from calibeval.recalibrate.temperature.pieces import part_of

PART_SCORES = 2**17  # in a part: 1 MiB of float64, which stays in the cache
KEPT_SCORES = 2**22  # up to this many scores (32 MiB) are kept in memory and not read again in each pass


class Part(NamedTuple):
    """Some rows: log-scores, (k, b) on axis 0 or (b, k) on axis 1, and the flat positions of their labels.

    masked: where a class has probability 0 (the log-score is finite there), or None. weights: (b,), if they differ.
    """

    z: Floats
    at_label: npt.NDArray[np.intp]
    labels: npt.NDArray[np.intp]
    axis: int
    masked: npt.NDArray[np.bool_] | None
    weights: Floats | None = None

    @property
    def over_rows(self) -> int:
        """The axis of the rows."""
        return 1 - self.axis


@dataclass(frozen=True, slots=True)
class Parts:
    """All rows that are not ignored: few are kept in memory, more are read again whenever this is iterated over."""

    read: Callable[[], Iterator[Part]]
    kept: tuple[Part, ...] | None

    def __iter__(self) -> Iterator[Part]:
        return self.read() if self.kept is None else iter(self.kept)


@dataclass(frozen=True, slots=True)
class Base:
    """What log-scores become first: they are multiplied by beta.

    equal: if given, they become logarithms of probabilities that are mixed with this share of equal ones; see
    `smoothed`. classes_first: whether the layout is (k, b) with many classes, too.
    """

    beta: float
    equal: float | None = None
    classes_first: bool = False


def parts_of(predictions: Predictions, clip: float | None, base: Base) -> Parts:
    """The rows of predictions.

    Raises: BadValues; Impossible. So does every pass, if the rows are not kept.
    """

    def read() -> Iterator[Part]:
        return _parts(predictions, clip, base)

    few = predictions.n * predictions.scores.shape[1] <= KEPT_SCORES
    return Parts(read, tuple(read()) if few else None)


def _parts(predictions: Predictions, clip: float | None, base: Base) -> Iterator[Part]:
    k = predictions.scores.shape[1]
    axis, rows = 0 if k <= FEW_CLASSES or base.classes_first else 1, max(1, PART_SCORES // k)
    for block in predictions.blocks(chunk_rows(predictions)):
        for start in range(0, len(block.labels), rows):
            labels = block.labels[start : start + rows].astype(np.intp)
            scores, tolerance = block.scores[start : start + rows], predictions.tolerance
            z = log_scores(scores, predictions.kind, clip=clip, axis=axis, tolerance=tolerance).z
            label_scores(z, labels, axis)
            masked = np.isneginf(z) if np.isneginf(z.min()) else None
            z *= base.beta
            if base.equal is not None:
                z = smoothed(z, base.equal, axis)
            if masked is not None and not base.equal:
                z[masked] = 0.0
            row = np.arange(len(labels))
            at_label = labels * len(labels) + row if axis == 0 else row * k + labels
            yield Part(z, at_label, labels, axis, masked, part_of(block.weights, slice(start, start + rows)))


def smoothed(z: Floats, equal: float, axis: int = 1) -> Floats:
    """Logarithms of probabilities that are mixed with equal ones. equal: the share of these.

    >>> smoothed(np.array([[0.0, -np.inf]]), 0.5).round(6).tolist() == np.log([[0.75, 0.25]]).round(6).tolist()
    True
    """
    with np.errstate(all="ignore"):
        d = z - np.expand_dims(np.maximum.reduce(z, axis=axis), axis)
        p = np.exp(d)
        norm = np.expand_dims(np.add.reduce(p, axis=axis), axis)
        if not equal:  # exact for probabilities that are too small for numbers, too
            return np.asarray(d - np.log(norm))
        p *= (1.0 - equal) / norm
        p += equal / z.shape[axis]
        return np.asarray(np.log(p, out=p))


def softmax_(scores: Floats, part: Part) -> tuple[Floats, float]:
    """The probabilities of mapped scores in the layout of part.z, and the summed NLL. The scores are used up."""
    axis = part.axis
    if part.masked is not None:
        scores[part.masked] = -np.inf
    p = np.empty(scores.shape)
    each = fused_softmax(scores, part.labels, axis, p)
    if each is not None:
        return p, summed(each, part)
    scores -= np.expand_dims(np.maximum.reduce(scores, axis=axis), axis)
    label = scores.ravel()[part.at_label]
    np.exp(scores, out=scores)
    norm = np.add.reduce(scores, axis=axis)
    scores /= np.expand_dims(norm, axis)
    return scores, summed(np.log(norm) - label, part)


def summed(each: Floats, part: Part) -> float:
    """The sum over the rows of a number of each, with their weights."""
    return float(each.sum() if part.weights is None else np.einsum("i,i->", each, part.weights))


def column(values: Floats, axis: int) -> Floats:
    """Values along one axis, to be combined with two-dimensional arrays."""
    return values[:, None] if axis == 0 else values[None, :]


def sums(values: Floats, part: Part) -> Floats:
    """Sums over the rows, (k,)."""
    return np.asarray(np.add.reduce(values, axis=part.over_rows))


def products(one: Floats, other: Floats, part: Part) -> Floats:
    """Sums over the rows of products, (k,)."""
    return np.asarray(np.einsum("ij,ij->i" if part.axis == 0 else "ij,ij->j", one, other))
