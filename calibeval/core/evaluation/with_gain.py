"""Sums with the scores of their rows before and after a recalibration out of fold.

The map of two classes is the isotonic regression of P(class 1). Of more classes it is the best of a temperature, the
isotonic regression of the confidence of the predicted class, which scales the other classes to the rest, and no map.
If only the top label is known, it is that regression.
"""

from __future__ import annotations

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
    k, weights = sums.k, sums.row_weights
    plain = Gain(
        chosen="isotonic" if k == 2 else "top-isotonic",
        before=_before(rows, k),
        after={},
        n=len(rows.confidence),
        weights=weights,
        groups=groups,
        folds=folds,
        cells=CELLS if len(rows.confidence) > EXACT else None,
    )
    if k == 2:
        return replace(plain, after={"isotonic": _two_classes(rows, predictions, folds, weights)})
    level = out_of_fold(rows.confidence, rows.correct, folds, FOLDS, k or 2, weights)
    if k is None:
        return replace(plain, after={"top-isotonic": Losses(None, np.square(level - rows.correct))})
    every = replace(plain, after={"top-isotonic": _scaled(rows, level, k)})
    sample = _sample(predictions)
    places = None if len(sample.places) == every.n else sample.places
    here = every if places is None else _at(every, places)
    tempered = _tempered(sums, sample, predictions, folds[sample.places])
    after = {**({} if tempered is None else {"temperature": tempered}), **here.after}
    means = {name: _mean(one, here.weights) for name, one in {NONE: here.before, **after}.items()}
    best = min(means, key=lambda name: means[name])  # the first of equal ones
    return every if best == "top-isotonic" else replace(here, chosen=best, after=after)


def _before(rows: RowScores, k: int | None) -> Losses:
    if k is None:
        return Losses(None, np.square(rows.correct - rows.confidence))
    return Losses(rows.nll, rows.brier)


def _two_classes(rows: RowScores, predictions: Predictions, folds: Folds, weights: Floats | None) -> Losses:
    labels = predictions.labels[kept_rows(predictions)] == 1
    one = np.where(rows.correct == labels, rows.confidence, 1.0 - rows.confidence)
    level = out_of_fold(one, labels, folds, FOLDS, 2, weights)
    right = np.where(labels, level, 1.0 - level)
    return Losses(-np.log(right), 2.0 * np.square(1.0 - right))


def _scaled(rows: RowScores, level: Floats, k: int) -> Losses:
    """The scores after the confidence became the level, and the other classes were scaled to the rest.

    They follow from the share of the label, and the squared shares of all, among the classes that were not predicted.
    """
    wrong = np.flatnonzero(~rows.correct)
    rest, left, of_label = 1.0 - rows.confidence, 1.0 - level, np.exp(-rows.nll[wrong])
    squares = rows.brier - np.square(rest)  # of the probabilities of these classes
    squares[wrong] = rows.brier[wrong] - np.square(rows.confidence[wrong]) - 1.0 + 2.0 * of_label
    with np.errstate(divide="ignore", invalid="ignore"):
        among = np.minimum(-rows.nll[wrong] - np.log(rest[wrong]), 0.0)
        squares = np.clip(np.nan_to_num(squares / np.square(rest), nan=1.0), 1.0 / (k - 1.0), 1.0)
    nll, brier = -np.log(level), np.square(left) * (1.0 + squares)
    nll[wrong] = -np.log(left[wrong]) - among
    gone = level[wrong]
    brier[wrong] = gone * gone + 1.0 - 2.0 * left[wrong] * np.exp(among) + np.square(left[wrong]) * squares[wrong]
    return Losses(nll, brier)


def _sample(predictions: Predictions) -> Sample:
    """The rows that the temperature of all rows is fitted on."""
    parts, first = [], 0
    for block in predictions.blocks(chunk_rows(predictions)):
        parts.append(Sample.of_block(block, first, predictions.n))
        first += len(block.labels)
    weights = [part.weights for part in parts if part.weights is not None]
    return Sample(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.places for part in parts]),
        np.concatenate(weights) if weights else None,
    )


def _at(gain: Gain, places: Codes) -> Gain:
    found = gain.of_rows(places, gain.groups if gain.groups is None else gain.groups[places])
    return replace(found, n=gain.n, places=places, folds=gain.folds)


def _tempered(sums: Sums, sample: Sample, predictions: Predictions, folds: Folds) -> Losses | None:
    """The scores of the sample's rows under temperatures; None if there is none."""
    if sums.optimum is None or sums.optimum.log_t is None:
        return None
    try:
        found = temperatures(sample, predictions.kind, folds, FOLDS, sums.optimum.log_t)
    except NotComputable:
        return None
    return losses_under(sample, predictions.kind, found[folds])


def _mean(losses: Losses, weights: Floats | None) -> float:
    """The mean NLL or, if it is infinite before a map, the Brier score."""
    return float(np.average(losses.brier if losses.nll is None else losses.nll, weights=weights))
