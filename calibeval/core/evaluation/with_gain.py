"""Sums with the scores of their rows before and after a recalibration out of fold.

The map of two classes is the isotonic regression of P(class 1). Of more classes it is the best of a temperature, the
isotonic regression of the confidence of the predicted class, which scales the other classes to the rest, and no map.
If only the top label is known, it is that regression.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.columns import kept_rows
from calibeval.core.data.folds import Folds, deal, group_column, groups_or_images
from calibeval.core.data.notices import NotComputable, reason
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.evaluation.groups import Groups
from calibeval.core.sums.engine import chunk_rows
from calibeval.core.sums.gain import NONE, Gain, Losses
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.softened import losses_under, temperatures
from calibeval.core.sums.sums import RowScores, Sums
from calibeval.core.uncertainty.isotonic_folds import CELLS, EXACT, out_of_fold

FOLDS, SEED = 5, 0
TEMPERATURE, TOP = "temperature", "top-isotonic"
# Up to this number of scores, the rows under a temperature are all rows; of more, they are a sample.
MOST_SCORES = 2**24


def with_gain(
    sums: Sums,
    predictions: Predictions,
    group: str | None = None,
    groups: Groups | None = None,
    *,
    folds: Folds | None = None,
) -> Sums:
    """The sums with the gain of their rows, or the reason why there is none; unchanged if rows were not kept.

    group: the column whose equal entries stay in one fold, if there is one of this name; else pixels of an image do.
    groups: of dependent rows, None if rows are independent. folds: (n,), of another model on the same rows, if its
    folds shall be these.
    """
    if sums.rows is None:
        return sums
    codes = None if groups is None or groups.refused is not None else groups.codes
    if folds is not None:
        return replace(sums, gain=_gain(sums, sums.rows, predictions, folds, codes))
    try:
        columns = group_column(predictions, group if group in predictions.columns else None)
        dealt = deal(predictions, FOLDS, SEED, groups_or_images(predictions, FOLDS, columns))
    except InputError:
        units = "rows" if group is None else "groups"
        return replace(sums, gain=reason("no_rows", f"{FOLDS} {units} at least are needed for {FOLDS} folds"))
    return replace(sums, gain=_gain(sums, sums.rows, predictions, dealt[kept_rows(predictions)], codes))


def with_same_gain(sums: Sums, predictions: Predictions, other: Sums, partners: Codes | None) -> Sums:
    """The sums with a gain by the folds of another model on the same rows; unchanged if that has none.

    partners: of each row of the other model, the position of the same row here; None if positions are equal.
    """
    if not isinstance(other.gain, Gain) or other.gain.folds is None:
        return sums
    folds = other.gain.folds
    if partners is not None:
        folds = np.empty_like(folds)
        folds[partners] = other.gain.folds
    return with_gain(sums, predictions, folds=folds)


def _gain(sums: Sums, rows: RowScores, predictions: Predictions, folds: Folds, groups: Codes | None) -> Gain:
    k, weights, n = sums.k, sums.row_weights, len(rows.confidence)
    plain = Gain(
        chosen="isotonic" if k == 2 else TOP,
        before=_before(rows, k),
        after={},
        n=n,
        weights=weights,
        groups=groups,
        folds=folds,
        cells=CELLS if n > EXACT else None,
    )
    if k == 2:
        return replace(plain, after={"isotonic": _two_classes(rows, predictions, folds, weights)})
    if k is None:
        return replace(plain, after={TOP: _of_top_label(rows, folds, weights, k)})
    return _best(sums, rows, predictions, plain, folds)


def _best(sums: Sums, rows: RowScores, predictions: Predictions, plain: Gain, folds: Folds) -> Gain:
    """The gain by the best map for more than two classes.

    It is chosen on the rows that the temperature of all rows is fitted on, as all folds' temperatures are.
    """
    k, optimum = sums.k or 0, sums.optimum
    places = None if optimum is None else optimum.places
    sampled = places is not None and len(places) < plain.n
    here = _at(plain, places) if sampled and places is not None else plain
    own = rows.at(places) if sampled and places is not None else rows
    of_fold, after = None, {}
    if places is not None and optimum is not None and optimum.log_t is not None:
        sample, own_folds = _sample(predictions, places), folds[places]
        try:
            of_fold = temperatures(sample, predictions.kind, own_folds, FOLDS, optimum.log_t)
            tempered = losses_under(sample, predictions.kind, of_fold[own_folds])
            after[TEMPERATURE] = tempered._replace(noise=_noise(1.0, len(places), here.weights))
        except NotComputable:
            of_fold = None
    after[TOP] = _of_top_label(own, folds if places is None else folds[places], here.weights, k)
    best = _smallest({NONE: here.before, **after}, here.weights)
    if sampled and best == TOP:
        return replace(plain, after={TOP: _of_top_label(rows, folds, plain.weights, k)})
    if sampled and best == TEMPERATURE and of_fold is not None and plain.n * k <= MOST_SCORES:
        parts = (losses_under(part, predictions.kind, of_fold[folds[part.places]]) for part in _parts(predictions))
        return replace(plain, chosen=best, after={best: _joined(parts, after[best].noise)}, cells=None)
    return replace(here, chosen=best, after=after, cells=None)


def _joined(parts: Iterable[Losses], noise: float) -> Losses:
    """The scores of consecutive rows. parts: with an NLL."""
    nll, brier, _ = zip(*parts, strict=True)
    return Losses(np.concatenate(nll), np.concatenate(brier), noise)


def _before(rows: RowScores, k: int | None) -> Losses:
    if k is None:
        return Losses(None, np.square(rows.correct - rows.confidence))
    return Losses(rows.nll, rows.brier)


def _two_classes(rows: RowScores, predictions: Predictions, folds: Folds, weights: Floats | None) -> Losses:
    labels = predictions.labels[kept_rows(predictions)] == 1
    one = np.where(rows.correct == labels, rows.confidence, 1.0 - rows.confidence)
    level, parts = out_of_fold(one, labels, folds, FOLDS, 2, weights)
    right = np.where(labels, level, 1.0 - level)
    return Losses(-np.log(right), 2.0 * np.square(1.0 - right), _noise(parts, len(one), weights))


def _of_top_label(rows: RowScores, folds: Folds, weights: Floats | None, k: int | None) -> Losses:
    """The scores after isotonic regression of the confidence. k: number of classes; None if they are not known."""
    level, parts = out_of_fold(rows.confidence, rows.correct, folds, FOLDS, k or 2, weights)
    found = Losses(None, np.square(level - rows.correct)) if k is None else _scaled(rows, level, k)
    return found._replace(noise=_noise(parts, len(level), weights))


def _noise(freedom: float, n: float, weights: Floats | None) -> float:
    """The noise of a map with so many degrees of freedom that is fitted on all folds but one."""
    return freedom * FOLDS / (FOLDS - 1.0) / (n if weights is None else float(weights.sum()))


def _scaled(rows: RowScores, level: Floats, k: int) -> Losses:
    """The scores after the confidence became the level, and the other classes were scaled to the rest.

    They follow from the share of the label, and the squared shares of all, among the classes that were not predicted.
    Where a confidence is 1, these classes have equal shares; where it is rounded to 1, the label has all.
    """
    wrong = np.flatnonzero(~rows.correct)
    rest, left, of_label = 1.0 - rows.confidence, 1.0 - level, np.exp(-rows.nll[wrong])
    squares = rows.brier - np.square(rest)  # of the probabilities of these classes
    squares[wrong] = rows.brier[wrong] - np.square(rows.confidence[wrong]) - 1.0 + 2.0 * of_label
    sure, of_one = rest <= 0.0, 1.0 / (k - 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.where(sure, of_one, np.clip(squares / np.square(rest), of_one, 1.0))
        among = np.minimum(-rows.nll[wrong] - np.log(rest[wrong]), 0.0)
    among = np.where(sure[wrong] & np.isinf(rows.nll[wrong]), math.log(of_one), among)
    squares[wrong] = np.maximum(squares[wrong], np.exp(2.0 * among))
    nll, brier = -np.log(level), np.square(left) * (1.0 + squares)
    nll[wrong] = -np.log(left[wrong]) - among
    gone = level[wrong]
    brier[wrong] = gone * gone + 1.0 - 2.0 * left[wrong] * np.exp(among) + np.square(left[wrong]) * squares[wrong]
    return Losses(nll, brier)


def _sample(predictions: Predictions, places: Codes) -> Sample:
    """The rows at these positions, which ascend."""
    parts = list(_parts(predictions, places))
    weights = [part.weights for part in parts if part.weights is not None]
    return Sample(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
        places,
        np.concatenate(weights) if weights else None,
    )


def _parts(predictions: Predictions, places: Codes | None = None) -> Iterator[Sample]:
    """Consecutive rows with their scores. places: only those at these positions, which ascend."""
    first = 0
    for block in predictions.blocks(chunk_rows(predictions)):
        last = first + len(block.labels)
        if places is None:
            yield Sample(block.scores, block.labels, np.arange(first, last), block.weights)
        else:
            own = places[slice(*np.searchsorted(places, (first, last)))]
            weights = None if block.weights is None else block.weights[own - first]
            yield Sample(block.scores[own - first], block.labels[own - first], own, weights)
        first = last


def _at(gain: Gain, places: Codes) -> Gain:
    found = gain.of_rows(places, gain.groups if gain.groups is None else gain.groups[places])
    return replace(found, n=gain.n, places=places, folds=gain.folds)


def _smallest(losses: Mapping[str, Losses], weights: Floats | None) -> str:
    """The first name with the smallest mean NLL or, if one is infinite, Brier score."""
    scores = {name: one.nll for name, one in losses.items() if one.nll is not None and np.isfinite(one.nll).all()}
    if len(scores) < len(losses):
        scores = {name: one.brier for name, one in losses.items()}
    return min(scores, key=lambda name: float(np.average(scores[name], weights=weights)))
