"""Slices by how many training images a class has: many, medium and few."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import counted_labels, top_classes, with_column
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.shot_names import SHOT_COLUMNS, SHOTS, SHOTS_PREDICTED, SHOTS_TRUE
from calibeval.core.errors import InputError, UsageError, nearest

BANDS: tuple[Literal["many", "medium", "few"], ...] = ("many", "medium", "few")
MANY, FEW = 100, 20
_MOST_NAMED = 3


class ShotsWord(NamedTuple):
    """The file of training counts, and the limits: more than `many`, fewer than `few` images."""

    file: str
    many: int = MANY
    few: int = FEW


def shots_word(word: str) -> ShotsWord | None:
    """What shots:FILE or shots:FILE:100,20 says; None for any other column.

    Raises: UsageError if the file is missing, or the limits are in the wrong order.

    >>> shots_word("shots:counts.csv:50,10"), shots_word("shots:counts.csv").many, shots_word("site")
    (ShotsWord(file='counts.csv', many=50, few=10), 100, None)
    """
    head, sign, rest = word.partition(":")
    if head != SHOTS or not sign or word in SHOT_COLUMNS:
        return None
    limits = re.search(r":(\d+),(\d+)\Z", rest)
    file = rest if limits is None else rest[: limits.start()]
    if not file:
        raise UsageError(f'slice "{word}": a file of training counts is missing; write {SHOTS}:counts.csv')
    if limits is None:
        return ShotsWord(file)
    many, few = int(limits[1]), int(limits[2])
    if few > many:
        raise UsageError(f'slice "{word}": many is above {many} and few below {few}, so some classes would be both')
    return ShotsWord(file, many, few)


def beside(word: str, folder: str) -> str:
    """The word with its file relative to a folder; other words as they are.

    >>> beside("shots:counts.csv:50,10", "ci"), beside("site", "ci")
    ('shots:ci/counts.csv:50,10', 'site')
    """
    found = shots_word(word)
    if found is None or "://" in found.file:
        return word
    return f"{SHOTS}:{Path(folder, found.file).as_posix()}:{found.many},{found.few}"


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCounts:
    """Training images a class, as a file has them. by: counts by the name or number of a class, or in class order.

    file: for messages. of_labels: whether labels were counted, so that a class without any has none.
    """

    file: str
    by: Mapping[str, int] | Sequence[int]
    of_labels: bool = False

    def of_classes(self, predictions: Predictions) -> npt.NDArray[np.int64]:
        """The count of every class, (k,). Raises: InputError for classes that are missing or unknown."""
        k, names = predictions.k, predictions.class_names
        if k is None:
            raise UsageError(
                f'{predictions.source.name}: there are no slices by "{SHOTS}": the dump has the top label only'
            )
        if not isinstance(self.by, Mapping):
            if len(self.by) != k:
                raise InputError(
                    f"{self.file}: has counts of {len(self.by):,} classes, but the scores have {k:,} classes"
                )
            return np.array(self.by, np.int64)
        numbers = [str(one) for one in range(k)]
        known = list(names or numbers)
        if names is not None and not set(self.by) & set(known) and set(self.by) <= set(numbers):
            known = numbers
        strange = [name for name in self.by if name not in set(known)]
        if strange:
            hint = nearest(strange[0], known)
            more = f" and {len(strange) - 1:,} others are" if len(strange) > 1 else " is"
            raise InputError(f'{self.file}: "{strange[0]}"{hint}{more} no class of {predictions.source.name}')
        missing = [name for name in known if name not in self.by]
        if missing and not self.of_labels:
            named = ", ".join(f'"{name}"' for name in missing[:_MOST_NAMED])
            more = f" and {len(missing) - _MOST_NAMED:,} others" if len(missing) > _MOST_NAMED else ""
            raise InputError(f"{self.file}: there is no count of the class {named}{more}; a class without images has 0")
        return np.array([self.by.get(name, 0) for name in known], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Shots:
    """The classes of a dump by their training images. counts: (k,). codes: (k,), the band of each class in BANDS."""

    word: ShotsWord
    counts: npt.NDArray[np.int64]

    @property
    def codes(self) -> npt.NDArray[np.intp]:
        """The band of every class, as its place in BANDS."""
        return np.where(self.counts > self.word.many, 0, np.where(self.counts < self.word.few, 2, 1))

    def columns(self, predictions: Predictions) -> Predictions:
        """The predictions with a column for the band of the true class, and one for that of the predicted class.

        Raises: UsageError if the dump has such columns already, or no labels.
        """
        there = [name for name in SHOT_COLUMNS if name in predictions.columns]
        if there:
            raise UsageError(f'{predictions.source.name}: has a column "{there[0]}" of its own; rename it')
        check_labelled(predictions, f'for slices by "{SHOTS}"')
        bands = np.array(BANDS, "S6")[self.codes]
        predictions = with_column(predictions, SHOTS_TRUE, bands[counted_labels(predictions)])
        return with_column(predictions, SHOTS_PREDICTED, bands[top_classes(predictions)])
