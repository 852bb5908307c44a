"""What the maps for two classes share: the difference s of the two log-scores, and targets for separable labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights, worth_of
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.scores import chunk_rows, label_scores, log_scores, log_softmax
from calibeval.recalibrate.maps.standard import TOO_LARGE, Rows
from calibeval.recalibrate.temperature.optimum import Optimum, optimum

BLOCK = 2**15
SEPARABLE = (
    "the scores separate the two labels, so the likelihood has no maximum: the targets of Platt (1999) were "
    "fitted instead of 0 and 1"
)
ONE_LABEL = SEPARABLE.replace("the scores separate the two labels", "all rows have the same label")


class Margins(NamedTuple):
    """s = log-score of class 1 minus that of class 0, (n,), and target (n,): 1 if the label is class 1.

    Rows with infinite s are left out; certain is their number. separable: whether the likelihood has no maximum, so
    that the targets are those of Platt. weights: (n,); None if all rows count the same.
    """

    s: Floats
    target: Floats
    certain: int
    separable: bool
    weights: Floats | None = None

    @property
    def note(self) -> str | None:
        """What was fitted instead if the likelihood has no maximum."""
        if not self.separable:
            return None
        return ONE_LABEL if self.target.min() == self.target.max() else SEPARABLE

    def blocks(self, features: Callable[[Floats], Floats]) -> Iterator[Rows]:
        """Features (m, b), targets and weights of the rows, block by block."""
        for start in range(0, len(self.s), BLOCK):
            here = slice(start, start + BLOCK)
            yield features(self.s[here]), self.target[here], None if self.weights is None else self.weights[here]


def class_margins(predictions: Predictions, clip: float | None, *, rising: bool = False) -> Margins:
    """The margins of predictions of two classes. rising: whether the map never falls, as for `separated`.

    Raises: InputError if s is infinite in every row, or beyond the largest number; BadValues for values that contradict
    the kind; Impossible if a label has probability 0.

    >>> class_margins(Predictions(logits=[[0.0, 2.0], [1.0, 0.0], [0.0, 3.0]], labels=[1, 0, 0]), None).s.tolist()
    [2.0, -1.0, 3.0]
    """
    parts, labels = [], []
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        label_scores(z, block.labels)
        with np.errstate(over="ignore"):
            parts.append(z[:, 1] - z[:, 0])
        if (np.isinf(parts[-1]) & np.isfinite(z).all(axis=1)).any():
            raise InputError(f"{predictions.source.name}: {TOO_LARGE}")
        labels.append(block.labels)
    s, y, weights = np.concatenate(parts), np.concatenate(labels).astype(np.float64), row_weights(predictions)
    finite = np.isfinite(s)
    certain = int(len(s) - np.count_nonzero(finite))
    if certain:
        s, y, weights = s[finite], y[finite], None if weights is None else weights[finite]
    if not len(s):
        name = predictions.source.name
        raise InputError(
            f"{name}: in every row one class has probability 0, so there is nothing to fit; use clip=1e-12"
        )
    separable = separated(s, y, rising=rising)
    return Margins(s, targets_of_platt(y, weights) if separable else y, certain, separable, weights)


def targets_of_platt(y: Floats, weights: Floats | None) -> Floats:
    """What labels 0 and 1 become for a likelihood that has a maximum: as if there were one more row of each.

    >>> targets_of_platt(np.array([0.0, 1.0, 1.0]), None).round(6).tolist()
    [0.333333, 0.75, 0.75]
    """
    ones, zeros = (y.sum(), len(y) - y.sum()) if weights is None else (weights @ y, weights @ (1.0 - y))
    return np.where(y == 1, (ones + 1.0) / (ones + 2.0), 1.0 / (zeros + 2.0))


def separated(s: Floats, y: Floats, *, rising: bool = False) -> bool:
    """Whether a threshold separates all labels 1 from all labels 0, or one label is absent.

    rising: only with the labels 1 above the threshold, as a map that never falls cannot separate others.

    >>> separated(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0])), separated(np.array([0.0, 1.0]), np.ones(2))
    (True, True)
    >>> separated(np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 0.0]), rising=True)
    False
    """
    ones, zeros = s[y == 1], s[y == 0]
    if not len(ones) or not len(zeros):
        return True
    apart = bool(zeros.max() <= ones.min() or (not rising and ones.max() <= zeros.min()))
    return apart and not bool(s.max() == s.min())


def start_of(predictions: Predictions, clip: float | None, best: Optimum | None = None) -> float:
    """Where searches for a slope start: 1/T of the best temperature T. best: that temperature, if it is known.

    >>> round(start_of(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1]), None), 4)
    0.3662
    """
    return 1.0 / (best or optimum(predictions, clip)).temperature


def mean_loss(predictions: Predictions, clip: float | None, apply: Callable[[Floats], Floats]) -> tuple[float, float]:
    """The mean NLL before and after a map of log-scores; no number if the map overflows."""
    before, after = 0.0, 0.0
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        row, w = np.arange(len(block.labels)), 1.0 if block.weights is None else block.weights
        with np.errstate(all="ignore"):  # of parameters that are too large for the scores, the loss is no number
            before -= float((w * log_softmax(z)[row, block.labels]).sum())
            after -= float((w * log_softmax(apply(z))[row, block.labels]).sum())
    rows = worth_of(predictions)
    return before / rows, after / rows
