"""The table of objectives for a temperature: the NLL, the ECE on a grid, or mean confidence = accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import worth_of
from calibeval.core.errors import InputError
from calibeval.core.metrics.folded import ece
from calibeval.core.sums.binning import BinSums, bin_index, equal_width_edges, on_grid, sums_by_index
from calibeval.core.sums.root import find_root
from calibeval.recalibrate.base.facts import Search
from calibeval.recalibrate.base.scores import chunk_rows
from calibeval.recalibrate.temperature.fused import fused
from calibeval.recalibrate.temperature.optimum import BOUND_NOTES, optimum
from calibeval.recalibrate.temperature.pieces import Piece, ScoreFacts, pieces, sample, score_facts

GRID = tuple(i / 10 for i in range(1, 101))
ECE_BINS = 15
LAST_CONFIDENCE_STEP = 1e-8


class Chosen(NamedTuple):
    """A temperature, the mean NLL without and with it, a note if one is needed, and the bound if it is one.

    search: how the search for the smallest NLL ended; None for other objectives.
    """

    temperature: float
    nll_before: float
    nll_after: float
    note: str | None
    bound: str | None = None
    search: Search | None = None


def smallest_nll(predictions: Predictions, clip: float | None = None) -> Chosen:
    """The optimum of the mean NLL, with a note if it is a limit, not a value.

    Raises: as `temperature.optimum`.

    >>> chosen = smallest_nll(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 0]))
    >>> chosen.bound, chosen.note[:45]
    ('low', 'every label has the largest score of its row,')
    """
    best = optimum(predictions, clip)
    note = BOUND_NOTES.get(best.bound or "")
    return Chosen(best.temperature, best.nll_before, best.nll_after, note, best.bound, best.search)


def smallest_ece(predictions: Predictions, clip: float | None = None) -> Chosen:
    """The temperature of the grid 0.1, 0.2, ... 10.0 with the smallest ECE in 15 bins; of equal ones the smallest.

    This is what the public code of the papers does. The ECE is not a proper score and depends on the bins. The grid
    does not scale with the logits; a result at one of its ends gets a note.
    Raises: as `temperature.optimum`.

    >>> smallest_ece(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1])).temperature
    2.7
    """
    edges = on_grid(equal_width_edges(ECE_BINS))
    sums = [BinSums(*np.zeros((5, ECE_BINS)))] * len(GRID)
    # A row is correct if the label's score is the largest, and no earlier class has the same score.
    for piece, correct in _with_correct(predictions, clip):
        for i, temperature in enumerate(GRID):
            with np.errstate(under="ignore"):
                confidence = 1.0 / np.exp(piece.d / temperature).sum(axis=piece.axis)
            confidence = on_grid(np.minimum(confidence, 1.0))
            found = sums_by_index(bin_index(confidence, edges), ECE_BINS, confidence, correct, piece.w)
            sums[i] = sums[i] + found
    errors = [ece(total) for total in sums]
    best = errors.index(min(errors))
    note = f"T = {GRID[best]:g} is an end of the grid" if best in (0, len(GRID) - 1) else None
    return _chosen(predictions, clip, GRID[best], note)


def equal_accuracy(predictions: Predictions, clip: float | None = None) -> Chosen:
    """The temperature at which the mean confidence equals the accuracy.

    The mean confidence falls as T grows: from the mean of 1 / (number of classes tied at the top) to the mean of 1 /
    (number of possible classes). The accuracy must be between these.
    Raises: InputError if it does not; otherwise as `temperature.optimum`.

    >>> chosen = equal_accuracy(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1]))
    >>> round(chosen.temperature, 6) == round(3.0 / math.log(3.0), 6)
    True
    """
    part, whole = sample(predictions, clip)
    right = sum(
        int(np.count_nonzero(correct)) if piece.w is None else float(np.add.reduce(piece.w * correct))
        for piece, correct in _with_correct(predictions, clip)
    )
    accuracy = right / worth_of(predictions)
    least, most = _confidence_limits(pieces(predictions, clip))
    if not least < accuracy < most:
        raise InputError(
            f"{predictions.source.name}: the accuracy is {accuracy:.4g}, but for all temperatures the mean confidence "
            f"is between {least:.4g} and {most:.4g}: the objective accuracy has no solution (nll has one)"
        )
    known: ScoreFacts = score_facts(part if whole else pieces(predictions, clip))
    u = -math.log(known.spread)

    def evaluate_on(every: Iterable[Piece], place: float) -> tuple[float, float, float]:
        now = fused(every, math.exp(place))
        return now.confidence - accuracy, now.rise, 0.0

    if not whole:
        start = find_root(lambda place: evaluate_on(part, place), u, tolerance=1e-3)
        u = start.u + start.step if start.found else u
        found = find_root(
            lambda place: evaluate_on(pieces(predictions, clip), place), u, tolerance=LAST_CONFIDENCE_STEP
        )
    else:
        found = find_root(lambda place: evaluate_on(part, place), u, tolerance=LAST_CONFIDENCE_STEP)
    return _chosen(predictions, clip, math.exp(-found.u - found.step), None)


def _chosen(predictions: Predictions, clip: float | None, temperature: float, note: str | None) -> Chosen:
    after = fused(pieces(predictions, clip), 1.0 / temperature, before=True)
    return Chosen(temperature, after.before, after.value, note)


def _with_correct(predictions: Predictions, clip: float | None) -> Iterable[tuple[Piece, np.ndarray]]:
    """All pieces, and whether each row is correct: whether the first class with the largest score is the label."""
    chunks = predictions.blocks(chunk_rows(predictions))
    correct = np.concatenate([np.asarray(b.scores.argmax(axis=1) == b.labels) for b in chunks])
    start = 0
    for piece in pieces(predictions, clip):
        stop = start + len(piece.t)
        yield piece, correct[start:stop]
        start = stop


def _confidence_limits(every: Iterable[Piece]) -> tuple[float, float]:
    """Limits of the mean confidence as T grows, and as T falls to 0."""
    n, least, most = 0.0, 0.0, 0.0
    for piece in every:
        w = 1.0 if piece.w is None else piece.w
        least += float((w / (piece.d > -np.inf).sum(axis=piece.axis)).sum())
        most += float((w / (piece.d == 0).sum(axis=piece.axis)).sum())
        n += piece.rows
    return least / n, most / n


@dataclass(frozen=True, slots=True)
class ObjectiveEntry:
    """One objective: its description, and the function that finds the temperature for predictions and a clip."""

    name: str
    title: str
    find: Callable[[Predictions, float | None], Chosen]


OBJECTIVES: dict[str, ObjectiveEntry] = {
    entry.name: entry
    for entry in (
        ObjectiveEntry("nll", "the exact optimum of the mean negative log-likelihood", smallest_nll),
        ObjectiveEntry(
            "ece", "the smallest ECE of the temperatures 0.1, 0.2, ... 10.0, as in public code", smallest_ece
        ),
        ObjectiveEntry(
            "accuracy", "the temperature at which mean confidence equals the accuracy (Acc-T)", equal_accuracy
        ),
    )
}
