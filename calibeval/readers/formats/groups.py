"""The columns of a table that together are the scores, by their names: logit_0, logit_1, ... or prob_cat, prob_dog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from calibeval.core.errors import InputError
from calibeval.readers.stored.names import COLUMN, COLUMN_STEMS, COMPUTED, columns_in_words
from calibeval.readers.stored.stored import Stored

RANK = re.compile(r"^index_[0-9]+$")
NUMBER = re.compile(r"^[0-9]{1,7}$")
RANKS = "index"


class ScoreColumns:
    """Columns that together are one array: its key, the columns in class order, and the class names.

    Numbers from 0 are positions; numbers without a 0, as in prob_1, prob_2, are names, in the order of the columns.
    """

    def __init__(self, key: str, columns: dict[str, str], file: str) -> None:
        self.key = key
        self.names: list[str] | None = None
        self.columns = list(columns.values())
        numbered = {int(suffix): column for suffix, column in columns.items() if NUMBER.match(suffix)}
        if len(numbered) == len(columns) and 0 in numbered:
            missing = next((i for i in range(len(columns)) if i not in numbered), None)
            if missing is not None:
                raise InputError(f"{file}: there are {len(columns)} columns of {key}, but number {missing} is missing")
            self.columns = [numbered[i] for i in range(len(columns))]
        elif [*columns] != ["1"] or key != "probs":  # prob_1 alone is P(class 1); a logit alone is not its logit
            self.names = list(columns)

    @property
    def origin(self) -> str:
        """The columns, in words."""
        return columns_in_words(self.columns)

    def marked(self, stored: Stored) -> Stored:
        """The array that the columns are, with their names."""
        return replace(stored, columns=tuple(self.columns))

    def class_names(self) -> dict[str, Stored]:
        """The array of class names, if the columns name the classes."""
        return {} if self.names is None else {"class_names": self.marked(Stored.of(np.asarray(self.names)))}


def score_columns(columns: Sequence[str], file: str) -> list[ScoreColumns]:
    """The columns whose names mark them as scores: logit_0, logit_1, ... or logit_cat, logit_dog, ...

    Those that hold the best classes of each row are none; see `best_columns`.
    Raises: InputError if a number is missing, or two columns are for the same class.
    """
    return [one for one in _groups(columns, file) if not _ranked(one, columns)]


def best_columns(columns: Sequence[str], file: str) -> dict[str, tuple[str, str]]:
    """Scores of the best classes, prob_0 beside index_0, by the key that they do not get: what they are, and why not.

    Raises: as `score_columns`.
    """
    told: dict[str, tuple[str, str]] = {}
    for one in _groups(columns, file):
        if _ranked(one, columns):
            first = one.columns[0]
            also = f" Or measure the predicted class alone: --key confidence={first} --key prediction=index_0"
            why = _best_classes(f"columns index_0 to index_{len(one.columns) - 1} say", first, file)
            told[one.key] = "the best classes of each row", f"{why}{also}"
    return told


def _ranked(group: ScoreColumns, columns: Sequence[str]) -> bool:
    """Whether there is a column of class numbers for each of the scores."""
    ranks = sum(1 for column in columns if RANK.match(column))
    return group.names is None and ranks > 1 and ranks == len(group.columns)


def _groups(columns: Sequence[str], file: str) -> list[ScoreColumns]:
    """All groups of columns that are named as scores."""
    groups: dict[str, dict[str, str]] = {}
    for column in columns:
        match = COLUMN.match(column)
        if match:
            kind = COLUMN_STEMS[match[1]]
            group = groups.setdefault(kind, {})
            if match[2] in group:
                raise InputError(
                    f'{file}: the {kind} of class {match[2]} could be column "{group[match[2]]}" or "{column}". '
                    "Rename one of them."
                )
            group[match[2]] = column
    return [ScoreColumns(key, of_classes(group), file) for key, group in groups.items()]


def of_classes(group: dict[str, str]) -> dict[str, str]:
    """The columns of classes: where at least two of them are numbered from 0, logit_max is none."""
    numbers = [int(suffix) for suffix in group if NUMBER.match(suffix)]
    if len(numbers) < 2 or sorted(numbers) != [*range(len(numbers))]:
        return group
    if not all(NUMBER.match(suffix) or suffix.lower() in COMPUTED for suffix in group):
        return group
    return {suffix: column for suffix, column in group.items() if NUMBER.match(suffix)}


def _best_classes(reason: str, key: str, file: str) -> InputError:
    return InputError(
        f'{file}: {reason} that "{key}" is the score of the best class, not of class 0. '
        "Write the scores of all classes in class order (timm: --topk 0)."
    )


def check_groups(groups: Sequence[ScoreColumns], plain: Sequence[str], widths: Mapping[str, int], file: str) -> None:
    """Refuse a file with two candidates for the same scores, and lists of the best classes.

    plain: columns whose names are not those of scores. widths: lengths of the lists, for columns of lists.
    Raises: InputError.
    """
    names = {group.key for group in groups}
    taken = next((column for column in plain if column in names), None)
    if taken is not None:
        raise InputError(
            f'{file}: the scores could be the column "{taken}" or the numbered columns of {taken}. Rename one of them.'
        )
    for column in plain:
        if column != RANKS and RANKS in widths and widths.get(column) == widths[RANKS]:
            raise _best_classes(f'the lists in "{RANKS}" say', column, file)
