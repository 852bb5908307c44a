"""Maps of the confidence in the predicted class, for dumps with or without the scores of the other classes.

The confidence c and whether the prediction is right are a problem of two classes, to which maps for two classes apply:
right or wrong, with the log-odds log(c) - log(1 - c). Where the other classes are known, their probabilities are
multiplied by (1 - c') / (1 - c), so that rows still sum to 1.
Source: Le Coz, Herbin & Adjed, NeurIPS 2024 (top-versus-all).
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights, scaled
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import chunk_rows, label_scores, log_scores, log_softmax
from calibeval.recalibrate.base.two import odds_of_confidence, of_odds

ABOVE = 1e-6  # in log-odds, so that rounding to float32 leaves the predicted class above the next one


class TopLabel(Map):
    """A map of the confidence of the predicted class; the class behind it in the inheritance is the map of two classes.

    The predicted class stays: where its new confidence would be below the probability of another class, it is raised to
    just above it. Where the old confidence is 1 and the new one is not, the other classes share the rest equally.
    """

    __slots__ = ()

    keeps_top: ClassVar[bool] = True
    top_label_only: ClassVar[bool] = True
    takes_confidence: ClassVar[bool] = True

    def of_two(self, pairs: Floats) -> Floats:
        """The mapped log-scores of wrong and right, (b, 2)."""
        mapped: Floats = super().apply(pairs)  # the base class's, without its decorator's types
        return mapped

    def apply(self, z: Floats) -> Floats:
        """Logarithms of the mapped probabilities of all classes."""
        parts = _parts(z)
        odds: Floats = np.maximum(_mapped_odds(self, parts.odds), parts.lowest + ABOVE)
        right, wrong = -np.logaddexp(0.0, -odds), -np.logaddexp(0.0, odds)
        alone = np.isneginf(parts.rest)
        rest = np.where(alone, 0.0, parts.rest)
        share = np.where(alone[:, None], -np.log(z.shape[1] - 1.0), parts.log_p - rest[:, None])
        result = share + wrong[:, None]
        result[np.arange(len(z)), parts.top] = right
        return np.asarray(result)


class _Parts(NamedTuple):
    """The predicted class of rows, all log-probabilities, that of the other classes together, and log-odds.

    odds: of the predicted class. lowest: those at which the next class would have the same probability; where the other
    classes have none, that of equal shares.
    """

    top: npt.NDArray[np.intp]
    log_p: Floats
    rest: Floats
    odds: Floats
    lowest: Floats


def held_rows(recalibration: Map, z: Floats) -> int:
    """In how many rows (b, k) the new confidence would be below the probability of another class."""
    parts = _parts(z)
    return int(np.count_nonzero(_mapped_odds(recalibration, parts.odds) < parts.lowest))


def _mapped_odds(recalibration: Map, odds: Floats) -> Floats:
    pairs = recalibration.of_two(of_odds(odds))
    return pairs[:, 1] - pairs[:, 0]


def _parts(z: Floats) -> _Parts:
    top, row = z.argmax(axis=1), np.arange(len(z))
    log_p = log_softmax(z)
    others = log_p.copy()
    others[row, top] = -np.inf
    second = others.max(axis=1)
    with np.errstate(all="ignore"):
        rest = np.where(np.isneginf(second), -np.inf, second + np.log(np.exp(others - second[:, None]).sum(axis=1)))
        odds = np.where(np.isneginf(second), np.inf, log_p[row, top] - rest)
        lowest = np.where(np.isneginf(second), -np.log(z.shape[1] - 1.0), second - rest)
    return _Parts(top, log_p, rest, odds, lowest)


def right_or_wrong(predictions: Predictions, clip: float | None) -> Predictions:
    """The predictions as two classes: the log-odds that the predicted class is right, and whether it is.

    Ignored rows are left out; weights stay.
    Raises: BadValues for values that contradict the kind; Impossible if a label has probability 0.

    >>> found = right_or_wrong(Predictions(probs=[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], labels=[2, 1]), None)
    >>> found.labels.tolist(), np.exp(found.scores[0:2][:, 1]).round(6).tolist()
    ([0, 1], [1.0, 4.0])
    """
    odds, right = [], []
    for block in predictions.blocks(chunk_rows(predictions)):
        if predictions.k is None:
            odds.append(odds_of_confidence(block.scores, clip, predictions.tolerance))
            right.append(block.labels == 1)
            continue
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        label_scores(z, block.labels)
        parts = _parts(z)
        odds.append(parts.odds)
        right.append(parts.top == block.labels)
    weights = row_weights(predictions)
    return scaled(
        Predictions(
            logits=of_odds(np.concatenate(odds)),
            labels=np.concatenate(right).astype(np.int64),
            weights=weights,
            source=predictions.source,
        )
    )


def nll_of_right_or_wrong(recalibration: Map, predictions: Predictions) -> Floats:
    """The negative log-likelihood of every right or wrong prediction under a map, (n,), in nats."""
    two = right_or_wrong(predictions, recalibration.clip)
    z = log_softmax(recalibration.of_two(np.asarray(two.scores[0 : two.rows])))
    return np.asarray(-z[np.arange(two.rows), two.labels])
