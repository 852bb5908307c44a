"""The columns of a table that are its scores: by name, as a range `p0..p9`, as a pattern `p*`, or all but some."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import Kind
from calibeval.core.data.two_texts import names_by_positive
from calibeval.core.errors import InputError, nearest
from calibeval.readers.meaning.text_scores import about_text
from calibeval.readers.shards import natural
from calibeval.readers.stored.names import COLUMN, columns_in_words
from calibeval.readers.stored.stored import Stored

RANGE = r"(?P<stem>.*?)(?P<first>\d+)\.\.(?P=stem)(?P<last>\d+)"
PATTERN = r"[*?\[]"
MOST = 2**20
NUMBER = r"[0-9]{1,7}"
BUT = "!"  # before what is left out
OF_TWO = ((), (1,), (2,))  # what follows the number of rows in the shape of the scores of two classes
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Said:
    """The positive class and the label of rows to leave out, as a person said them, and the file, for messages."""

    positive: str | None = None
    ignore_index: int | None = None
    file: str = ""


def chosen_columns(
    arrays: Mapping[str, Stored], said: Sequence[str], file: str, taken: Mapping[str, str] = NOTHING
) -> tuple[str, ...]:
    """The columns that were named, in class order; those of a pattern in natural order.

    said: names, ranges and patterns; one that begins with "!" leaves its columns out, wherever it stands, and if there
    are no others, all columns of numbers but these are meant. taken: columns that have another role, and which.
    Raises: InputError for a column that is not there, holds no numbers or is named twice, and for one of another role
    that fits a pattern.
    """
    without = [words for words in said if words.startswith(BUT) and words not in arrays]
    left_out = {column for words in without for column in _left_out(arrays, words, file)}
    by: dict[str, str] = {}
    for words in [words for words in said if words not in without] or ["*"]:
        for column in _named(arrays, words, file):
            if column in left_out:
                continue
            if column in by:
                how = "" if {words, by[column]} == {column} else f", by {by[column]} and by {words}"
                raise InputError(f'{file}: --score-columns: column "{column}" is named twice{how}')
            _check(arrays, column, file)
            if column in taken and words != column:
                raise InputError(
                    f'{file}: --score-columns {words}: column "{column}" has the role of {taken[column]}, not of '
                    f"scores: leave it out with --score-columns '{','.join([*said, BUT + column])}'"
                )
            by[column] = words
    if not by:
        raise InputError(f"{file}: --score-columns: no column is left of {','.join(said)}")
    return tuple(by)


def stacked_columns(arrays: Mapping[str, Stored], columns: Sequence[str]) -> Stored:
    """The columns as one array of scores."""
    scores = np.stack([arrays[column].array() for column in columns], axis=1)
    printed = all(arrays[column].printed for column in columns)
    return replace(Stored.of(scores, origin=columns_in_words(columns)), printed=printed)


def class_names_of(
    columns: Sequence[str], labels: npt.NDArray[Any], ignore_index: int | None = None
) -> tuple[str, ...]:
    """The names of the classes: those of the columns, or what differs between them if only that fits the labels.

    >>> class_names_of(("p_cat", "p_dog"), np.array(["dog", "cat"])), class_names_of(("p1", "p2"), np.array([1, 2]))
    (('cat', 'dog'), ('1', '2'))
    >>> class_names_of(("P (y=no)", "P (y=yes)"), np.array(["yes", "no"]))
    ('no', 'yes')
    >>> class_names_of(("p_cat", "p_dog"), np.array([0, 1]))
    ('p_cat', 'p_dog')
    """
    stems = [COLUMN.match(column) for column in columns]
    if all(stems):
        classes = tuple(match[2] for match in stems if match is not None)
        columns = columns if len({*classes}) < len(classes) or any(map(str.isdecimal, classes)) else classes
    if labels.ndim != 1 or not len(labels):
        return tuple(columns)
    if labels.dtype.kind in "OUSb":
        values = {str(label) for label in labels.tolist()}
        fitting = () if values <= {*columns} else (names for names in _differing(columns) if values <= {*names})
        return next(iter(fitting), tuple(columns))
    kept = labels if ignore_index is None else labels[labels != ignore_index]
    if labels.dtype.kind not in "iu" or not len(kept) or int(kept.max()) < len(columns):
        return tuple(columns)
    for names in _differing(columns):
        numbers = {int(name) for name in names if re.fullmatch(NUMBER, name)}
        if len(numbers) == len(names) and {*np.unique(kept).tolist()} <= numbers:
            return names
    return tuple(columns)


def name_classes(columns: Sequence[str], texts: npt.NDArray[Any]) -> bool:
    """Whether all texts are names of classes, as columns name them.

    >>> name_classes(("p_cat", "p_dog"), np.array(["dog", "cat"])), name_classes(("p_cat", "p_dog"), np.array(["x"]))
    (True, False)
    """
    values = {str(text) for text in texts.tolist()}
    return values <= {*columns} or any(values <= {*names} for names in _differing(columns))


def two_names(
    names: tuple[str, ...] | None,
    kind: Kind,
    shape: tuple[int, ...],
    labels: npt.NDArray[Any],
    said: Said = Said(),
) -> tuple[str, ...] | None:
    """The names of both classes, where only that of class 1 is known, as of one column prob_spam: the labels tell.

    None if the labels are numbers: then only class 1 has a name. Names stay as they are if labels do not fit, for a
    logit, which alone is not that of class 1, and for numbers, which may be any class. If a person named the positive
    class, and labels are two texts, these are the names. kind, shape: of the scores. labels: as stored.

    >>> two_names(("spam",), "probs", (3,), np.array(["spam", "ham", "spam"]))
    ('ham', 'spam')
    >>> two_names(("spam",), "probs", (2,), np.array([0, 1])) is None
    True
    """
    if kind != "confidence" and shape[1:] in OF_TWO and (names is None or len(names) == 1):
        found = names_by_positive(labels, said.positive, said.ignore_index, file=said.file)
        if found is not None:
            return found
    if names is None or len(names) != 1 or shape[1:] not in ((), (1,)) or kind == "logits" or names[0].isdigit():
        return names
    if labels.dtype.kind == "b":
        return ("False", names[0]) if names[0].lower() == "true" else None
    if labels.ndim != 1 or labels.dtype.kind not in "OUS":
        return None
    texts = {str(label).strip() for label in labels.tolist()}
    others = texts - {*names}
    return (others.pop(), names[0]) if len(others) == 1 and len(texts) > 1 else names


def _differing(columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The names without what all begin with, or its words, and without the words that all end with."""
    begin, end = shared(columns), shared([column[::-1] for column in columns])
    starts = {len(begin.rstrip("0123456789")): None}  # p10 and p11 are 10 and 11
    starts |= {i: None for i in range(len(begin), -1, -1) if not begin[i - 1 : i].isalnum()}
    stops = [i for i in range(len(end), 0, -1) if not end[i - 1].isalnum()][:1]
    for start in starts:
        for stop in (*stops, 0):
            if 0 < start + stop < min(map(len, columns)):
                yield tuple(column[start : len(column) - stop] for column in columns)


def shared(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts, default=""), max(texts, default="")
    return next((first[:i] for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), first)


def _named(arrays: Mapping[str, Stored], words: str, file: str) -> list[str]:
    """The columns that one part of the list means; a column of that very name goes first."""
    if words in arrays:
        return [words]
    span = re.fullmatch(RANGE, words)
    if span is not None:
        return _range(span, file)
    if re.search(PATTERN, words):
        fitting = [key for key in arrays if _is_column(arrays[key]) and fnmatchcase(key, words)]
        if not fitting:
            raise InputError(f'{file}: --score-columns: no column of numbers fits "{words}"')
        return sorted(fitting, key=natural)
    return [words]


def _left_out(arrays: Mapping[str, Stored], words: str, file: str) -> list[str]:
    """The columns that one part of the list leaves out; they may hold anything."""
    named = words[len(BUT) :]
    if re.search(PATTERN, named) and named not in arrays:
        return [key for key in arrays if fnmatchcase(key, named)]
    columns = _named(arrays, named, file)
    gone = next((column for column in columns if column not in arrays), None)
    if gone is not None and not COLUMN.match(gone):
        raise InputError(f'{file}: --score-columns {words}: there is no column "{gone}"{nearest(gone, arrays)}')
    return columns


def _range(span: re.Match[str], file: str) -> list[str]:
    """Every column of a range; leading zeros of its first number are kept."""
    first, last = int(span["first"]), int(span["last"])
    if not first < last < first + MOST:
        raise InputError(f"{file}: --score-columns: {span[0]} must go up, by at most {MOST:,} columns")
    width = len(span["first"]) if span["first"].startswith("0") else 1
    return [f"{span['stem']}{number:0{width}}" for number in range(first, last + 1)]


def _check(arrays: Mapping[str, Stored], column: str, file: str) -> None:
    if column not in arrays:
        raise InputError(f'{file}: --score-columns: there is no column "{column}"{nearest(column, arrays)}')
    stored = arrays[column]
    if stored.refusal is not None:
        stored.load()
    if not _is_column(stored):
        about = about_text(stored)
        raise InputError(f'{file}: --score-columns: column "{column}" holds {stored.describe()}, not numbers{about}')


def _is_column(stored: Stored) -> bool:
    return stored.dtype.kind in "fiu" and len(stored.shape) == 1
