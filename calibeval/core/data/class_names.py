"""Labels that are class names: the class of each, and when a number is a name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arguments import choice
from calibeval.core.errors import InputError

LabelsAre = Literal["names", "positions"]
LABELS_ARE: tuple[LabelsAre, ...] = get_args(LabelsAre)
WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
DECIMAL = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
TRUTH = {"true": True, "false": False}
MOST_SHOWN, LONGEST_SHOWN = 8, 80  # class names in a message, and their characters
NONE, SEVERAL = -2, -1  # no class; more than one
OUTSIDE = -100  # the label of ignored rows, if the ignored label is the number of another class

Number = int | float


class Named(NamedTuple):
    """The class of each row, (n,), and the label of ignored rows there."""

    labels: npt.NDArray[np.int64]
    ignore_index: int | None


def as_labels_are(name: str | None) -> LabelsAre | None:
    """The word names or positions, checked; None for None.

    Raises: UsageError with the nearest word.
    """
    if name is None:
        return None
    chosen = choice("labels_are", name, LABELS_ARE)
    return next(one for one in LABELS_ARE if one == chosen)


def number_of(text: str) -> Number | None:
    """The finite number that a text is, as tables and users write it; None for any other text.

    >>> number_of("01"), number_of("-1.0"), number_of("1_0"), number_of("nan")
    (1, -1.0, None, None)
    """
    if WHOLE.fullmatch(text):
        return int(text)
    return float(text) if DECIMAL.fullmatch(text) and math.isfinite(float(text)) else None


def classes_of_texts(raw: npt.NDArray[Any], names: Sequence[str], ignore_index: int | None) -> Named:
    """The classes that texts name: by the same spelling or, if no class is spelled so, by the same value.

    Blanks around a text do not matter. "1.0" is the class called 1, and "true" the one called True, if only one class
    could be meant.
    Raises: InputError for a text that is not the name of a class, or is that of two.

    >>> classes_of_texts(np.array(["b", "1.0", "TRUE"]), ["1", "b", "True"], None).labels.tolist()
    [1, 0, 2]
    """
    places: dict[str, int] = {}
    codes = np.fromiter((places.setdefault(text, len(places)) for text in raw.tolist()), np.intp, len(raw))
    texts, spelled = [*places], _table(enumerate(names))
    values: dict[Any, int] | None = None
    found = np.full(len(texts), NONE, np.int64)
    for i, text in enumerate(texts):
        if text in spelled:
            found[i] = spelled[text]
            continue
        if values is None:
            values = {**_table((i, name.strip()) for i, name in enumerate(names)), **_numbers(names), **_truths(names)}
        found[i] = values.get(text.strip(), values.get(_value(text.strip()), NONE))
    ignored = np.array([ignore_index is not None and number_of(text) == ignore_index for text in texts], bool)
    _check_named(found, ignored, codes, [f'"{text}"' for text in texts], names)
    return _ignoring(found, ignored, ignore_index, codes, len(names))


def classes_of_values(
    raw: npt.NDArray[Any], names: Sequence[str], ignore_index: int | None, labels_are: LabelsAre | None
) -> Named | None:
    """The classes that booleans or numbers name; None if they are the numbers of classes themselves.

    Numbers are names if a class is called 0, or if some label is the name but not the number of a class. They are
    numbers of classes if some label is not the name of a class. labels_are: what the user says they are.
    Raises: InputError if they could be both, or neither.

    >>> classes_of_values(np.array([10, 20]), ["10", "20", "30"], None, None).labels.tolist()
    [0, 1]
    >>> classes_of_values(np.array([0, 1]), ["1", "2", "3"], None, None) is None
    True
    """
    table = (_truths(names) if raw.dtype.kind == "b" else {}) or _numbers(names)
    own = all(table.get(i) == i for i in range(len(table)))  # every class whose name is a number has that number
    if labels_are == "positions" or (own and labels_are is None):
        return None
    if raw.dtype.kind == "f" and not np.isfinite(raw).all():
        return None
    values, codes = np.unique(raw, return_inverse=True)
    plain, k = values.tolist(), len(names)
    found = np.array([table.get(_key(value, table), NONE) for value in plain], np.int64)
    ignored = np.array([ignore_index is not None and value == ignore_index for value in plain], bool)
    number = np.array([0 <= value < k and value == int(value) for value in plain], bool)
    if labels_are is None and not _are_names(found[~ignored], values[~ignored], number[~ignored], table):
        return None
    hint = ""
    if labels_are is None and number[~ignored].all():
        hint = "; if labels are the numbers of classes, say --labels-are positions"
    _check_named(found, ignored, codes, [f"{value}" for value in plain], names, hint)
    return _ignoring(found, ignored, ignore_index, codes, k)


def _are_names(
    found: npt.NDArray[np.int64], values: npt.NDArray[Any], number: npt.NDArray[np.bool_], table: dict[Any, int]
) -> bool:
    """Whether the different labels are the names of the classes `found`; number: which could be numbers of classes.

    Raises: InputError if they could be both, and it matters.
    """
    named = found != NONE
    if ("truth", True) in table or ("truth", False) in table:
        return bool(named.any())
    if 0 in table or (named & ~number).any():
        return True
    if not named.all() or (found == values).all():
        return False
    odd = values[int(np.flatnonzero(found != values)[0])]
    raise InputError(
        f"label {odd} could be the class called {odd}, or class number {odd}, counted from 0: "
        "say --labels-are names, or --labels-are positions"
    )


def _check_named(
    found: npt.NDArray[np.int64],
    ignored: npt.NDArray[np.bool_],
    codes: npt.NDArray[np.intp],
    shown: Sequence[str],
    names: Sequence[str],
    hint: str = "",
) -> None:
    """Check that each different label, except the ignored one, names one class. shown: the labels, for messages."""
    wrong = (found < 0) & ~ignored
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong[codes])[0])
    label = shown[codes[row]]
    if found[codes[row]] == SEVERAL:
        value = _value(label.strip('"'))
        same = [i for i, name in enumerate(names) if f'"{name}"' == label or (_value(name) == value is not None)]
        which = f"class {same[0]} or class {same[-1]}" if len(same) > 1 else "any of several classes"
        raise InputError(f"label {label} could be {which}: class names must differ")
    few = label.startswith('"') and len(names) <= MOST_SHOWN and sum(map(len, names)) <= LONGEST_SHOWN
    shown = f" ({', '.join(names)})" if few else ""
    raise InputError(f"row {row}: label {label} is not one of the {len(names)} class names{shown}{hint}")


def _ignoring(
    found: npt.NDArray[np.int64],
    ignored: npt.NDArray[np.bool_],
    ignore_index: int | None,
    codes: npt.NDArray[np.intp],
    k: int,
) -> Named:
    """The classes of all rows; ignored rows get a label that no other row has."""
    if ignore_index is not None:
        own = found[ignored]
        if len(own) and own[0] >= 0:
            ignore_index = int(own[0])
        elif 0 <= ignore_index < k:
            ignore_index = OUTSIDE
        found = np.where(ignored, ignore_index, found)
    return Named(found[codes], ignore_index)


def _numbers(names: Sequence[str]) -> dict[Any, int]:
    """The classes whose names are numbers, by the number."""
    return _table((i, number_of(name)) for i, name in enumerate(names))


def _truths(names: Sequence[str]) -> dict[Any, int]:
    """The classes that are called true and false, in any case."""
    return _table((i, ("truth", TRUTH[name.lower()])) for i, name in enumerate(names) if name.lower() in TRUTH)


def _table(pairs: Iterable[tuple[int, Any]]) -> dict[Any, int]:
    """Classes by their names."""
    found: dict[Any, int] = {}
    for i, value in pairs:
        if value is not None:
            found[value] = SEVERAL if value in found else i
    return found


def _key(value: Any, table: dict[Any, int]) -> Any:
    """A boolean or number as a key of the tables."""
    return ("truth", value) if isinstance(value, bool) and next(iter(table), 0).__class__ is tuple else value


def _value(text: str) -> Any:
    """The value of a text: a boolean, a number, or None."""
    truth = TRUTH.get(text.lower())
    return number_of(text) if truth is None else ("truth", truth)
