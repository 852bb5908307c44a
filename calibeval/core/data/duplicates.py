"""Rows of one dump that have the same id, such as the padding of a distributed sampler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_ids import Copies, Order, copies_in, shown
from calibeval.core.data.row_source import BinaryColumns

CLOSE = 1e-3  # copies that were computed in another batch or on another device differ a little
STEPS = 4  # of the stored type
PART_SCORES = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """The rows, or images, whose id an earlier one has.

    example: one of the ids. differing: a copy that differs from the first row of its id; None if all agree. counted:
    number of ids with such copies. gap: the largest difference between the scores of rows that agree. labelled: whether
    the labels are known. unit: "row", or "image", where ids are those of images.
    """

    copies: Copies
    example: str
    differing: int | None
    counted: int
    gap: float
    labelled: bool
    unit: str = "row"

    @property
    def agree(self) -> bool:
        """Whether all rows of one id have the same label and the same scores, up to rounding."""
        return self.differing is None

    @property
    def how_often(self) -> str:
        """How many ids occur more than once, in words."""
        ids, often = self.copies.ids, "twice" if self.copies.most == 2 else "more than once"
        if ids == 1:
            return f"1 id occurs {often} ({self.example})"
        return f"{ids:,} ids occur {often} (such as {self.example})"

    def notice(self) -> Notice:
        """The warning that these rows, or images, count more than once."""
        if not self.agree:
            return warning(
                "duplicate_ids",
                f"{self.how_often}, and their {self.unit}s differ: they do not name single {self.unit}s",
            )
        text = f"{self.how_often}: padding of a distributed sampler? Leave out the copies with --drop-duplicates"
        return warning("duplicate_ids", text)

    def dropped(self) -> Notice:
        """The note that the copies were left out."""
        count = len(self.copies.later)
        rows = f"1 {self.unit} was" if count == 1 else f"{count:,} {self.unit}s were"
        scores = "the same scores" if self.gap == 0 else f"scores that differ by at most {self.gap:.1g}"
        same = f"the same label and {scores}" if self.labelled else scores
        return warning("duplicates_dropped", f"{rows} left out: {self.how_often}, with {same}")

    def refusal(self) -> str:
        """Why the copies are not left out."""
        ids = "1 of them has" if self.counted == 1 else f"{self.counted:,} of them have"
        what = "labels or scores" if self.labelled else "scores"
        return (
            f"--drop-duplicates: {self.how_often}, but {ids} {self.unit}s with different {what}, so these are no copies"
        )


def duplicates_of(predictions: Predictions, *, count: bool = False) -> Duplicates | None:
    """The rows whose id occurs more than once, without ignored rows; None if there are none, or no ids.

    count: whether to count the ids whose rows differ; otherwise one is enough.

    >>> twice = Predictions(probs=[0.2, 0.9, 0.2], labels=[0, 1, 0], ids=["a", "b", "a"])
    >>> duplicates_of(twice).how_often, duplicates_of(twice).agree
    ('1 id occurs twice ("a")', True)
    """
    if predictions.ids is None:
        return None
    kept = _kept_units(predictions)
    ids = np.asarray(predictions.ids)
    found = copies_in(ids if kept is None else ids[kept])
    if found is None:
        return None
    copies = found if kept is None else Copies(kept[found.later], kept[found.first])
    differing, gap = _compared(predictions, copies, count=count)
    return Duplicates(
        copies,
        shown(ids[copies.first[0]]),
        int(differing[0]) if len(differing) else None,
        len(np.unique(copies.first[np.isin(copies.later, differing)])),
        gap,
        predictions.labelled,
        "image" if len(ids) < predictions.rows else "row",
    )


def _kept_units(predictions: Predictions) -> Order | None:
    """The rows, or the images, that are not ignored as a whole; None if all are kept."""
    if not predictions.ignored or predictions.ids is None:
        return None
    kept = (predictions.labels != predictions.ignore_index).reshape(len(predictions.ids), -1).any(axis=1)
    return np.flatnonzero(kept)


def _compared(predictions: Predictions, copies: Copies, *, count: bool) -> tuple[Order, float]:
    """The copies that differ from the first row with their id, and the largest difference of the others.

    count: False stops after the first part that holds such copies.
    """
    units = len(np.asarray(predictions.ids))
    pixels = predictions.rows // units
    width = pixels * (1 if predictions.k is None else predictions.k)
    step = max(1, PART_SCORES // width)
    near = max(CLOSE, STEPS * predictions.precision)
    differing, gap = [], 0.0
    for start in range(0, len(copies.later), step):
        later, first = copies.later[start : start + step], copies.first[start : start + step]
        mine, theirs = (_scores(predictions, units, places) for places in (later, first))
        labels = predictions.labels.reshape(units, -1)
        same = (labels[later] == labels[first]).all(axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where(mine == theirs, 0.0, np.abs(mine - theirs))
            close = apart <= near * np.maximum(1.0, np.maximum(np.abs(mine), np.abs(theirs)))
        same &= close.reshape(len(later), -1).all(axis=1)
        gap = max(gap, float(apart[same].max(initial=0.0)))
        differing.append(later[~same])
        if not count and not same.all():
            break
    return np.concatenate(differing), gap


def _scores(predictions: Predictions, units: int, places: Order) -> npt.NDArray[Any]:
    """The scores of some rows or images, (places, ...), in float64."""
    pixels, scores = predictions.rows // units, predictions.scores
    if pixels > 1:
        found = [np.asarray(scores[i * pixels : (i + 1) * pixels]) for i in places.tolist()]
        return np.stack(found).astype(np.float64)
    if isinstance(scores, BinaryColumns):
        return np.asarray(BinaryColumns(rows_at(scores.column, places), scores.kind)[0 : len(places)], np.float64)
    return np.asarray(rows_at(scores, places), np.float64)
