"""Checking labels: integers in [0, k), or an error that says which row is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arguments import came, class_names, whole
from calibeval.core.data.class_names import LabelsAre, classes_of_texts, classes_of_values, number_of
from calibeval.core.data.ranges import LEAST_LABEL, MOST_LABEL
from calibeval.core.data.two_texts import example
from calibeval.core.errors import InputError, UsageError

Labels = npt.NDArray[np.integer[Any]]
MOST_CLASSES = 2**20
OWNER = "the scores have"


class Read(NamedTuple):
    """Labels as integers in [0, k), the label of ignored rows among them, and whether labels were names of classes."""

    labels: Labels
    ignore_index: int | None
    by_name: bool


def as_labels(
    raw: npt.NDArray[Any],
    k: int,
    class_names: Sequence[str] | None = None,
    ignore_index: int | None = None,
    *,
    owner: str = OWNER,
) -> Labels:
    """Labels as integers in [0, k); the ignored label is kept unchanged, unless labels are names: see `read_labels`.

    Raises: InputError naming the first invalid row and its value, with a hint.

    >>> as_labels(np.array([0.0, 2.0]), k=3).tolist()
    [0, 2]
    >>> as_labels(np.array([[0, 1], [1, 0]]), k=2).tolist()
    [1, 0]
    """
    return read_labels(raw, k, class_names, ignore_index, owner=owner)[0]


def read_labels(
    raw: npt.NDArray[Any],
    k: int,
    class_names: Sequence[str] | None = None,
    ignore_index: int | None = None,
    *,
    owner: str = OWNER,
    labels_are: LabelsAre | None = None,
) -> Read:
    """Labels as integers in [0, k).

    raw: (n,) integers, booleans, whole floats, or names listed in class_names; or (n, k) exact one-hot rows.
    owner: for messages: what the number of classes comes from. labels_are: whether labels that could be both are the
    names of classes or their positions.
    Raises: InputError naming the first invalid row and its value, with a hint.
    """
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.ndim == 2:
        return Read(_from_one_hot(raw, k, owner), ignore_index, by_name=False)
    if raw.ndim != 1:
        raise InputError(f"labels have shape {raw.shape}, but one label per row is needed")
    if raw.dtype.kind in "OUS":
        raw = _texts(raw, class_names)
        if class_names is not None and labels_are != "positions":
            return Read(*classes_of_texts(raw, class_names, ignore_index), by_name=True)
        raw = _numbers(raw, class_names, k)
    if raw.dtype.kind not in "fiub":
        raise InputError(f"labels have dtype {raw.dtype}, but whole numbers are needed")
    if class_names is None and labels_are == "names":
        raise InputError("labels are said to be names, but there are no class names; give them with --class-names FILE")
    named = None if class_names is None else classes_of_values(raw, class_names, ignore_index, labels_are)
    if named is not None:
        return Read(*named, by_name=True)
    if raw.dtype.kind == "b":
        if k > 2:
            raise InputError(
                f"labels are true and false, but {owner} {k} classes: save the number or the name of each row's class; "
                'whether predictions are right goes with their confidences, as an array "correct"'
            )
        raw = raw.view(np.uint8)
    labels = _whole(raw) if raw.dtype.kind == "f" else raw
    _check_range(labels, k, ignore_index, owner)
    return Read(labels, ignore_index, by_name=False)


def _whole(raw: npt.NDArray[np.floating[Any]]) -> Labels:
    """Whole floats as integers. Raises: InputError for the first value that is not whole."""
    odd = np.flatnonzero(raw != np.floor(raw)) if np.isfinite(raw).all() else np.flatnonzero(~np.isfinite(raw))
    if len(odd):
        row = int(odd[0])
        what = f"row {row}: label {raw[row]:g}, but labels must be whole numbers ({len(odd)} rows are not)"
        empty = len(odd) < len(raw) and bool(np.isnan(raw[odd]).all())
        raise InputError(f"{what}. Leave out the rows without a label before saving." if empty else what)
    with np.errstate(over="ignore"):
        far = np.flatnonzero(np.abs(raw.astype(np.float64)) >= 2.0**63)
    if len(far):
        row = int(far[0])
        raise InputError(f"row {row}: label {raw[row]:g}, but labels are class numbers ({len(far)} rows are too large)")
    return raw.astype(np.int64)


def _from_one_hot(raw: npt.NDArray[Any], k: int, owner: str) -> Labels:
    if raw.shape[1] != k:
        raise InputError(f"labels have {raw.shape[1]} columns, but {owner} {k} classes")
    wrong = np.flatnonzero(~(((raw == 0) | (raw == 1)).all(axis=1) & ((raw == 1).sum(axis=1) == 1)))
    if len(wrong):
        whole = bool(((raw == 0) | (raw == 1)).all())
        what = "rows with several labels or none" if whole else "soft labels"
        image = ". Of one image of two classes, save scores[None] and labels[None]" if whole and owner == OWNER else ""
        raise InputError(
            f"row {int(wrong[0])}: labels of shape {raw.shape} must be one-hot (a single 1, all others 0), "
            f"but {len(wrong)} rows are not; {what} are not supported{image}"
        )
    return np.asarray(raw.argmax(axis=1), np.int64)


def _texts(raw: npt.NDArray[Any], class_names: Sequence[str] | None) -> npt.NDArray[Any]:
    """Texts, bytes or other objects as texts; no labels at all as numbers."""
    try:
        return raw.astype(str) if len(raw) or class_names is not None else np.empty(0, np.int64)
    except UnicodeDecodeError:
        raise InputError("labels are bytes, but numbers or text are needed") from None


def _names_needed(raw: npt.NDArray[Any], k: int) -> str:
    """What to say where labels are texts, but classes have no names."""
    name = example(raw) if k == 2 else None
    if name is None:
        return "give the class names, in the order of the columns (--class-names FILE)"
    return f"name the positive class, such as --positive {quote(name)}, or both in their order (--class-names FILE)"


def _numbers(raw: npt.NDArray[Any], class_names: Sequence[str] | None, k: int) -> Labels:
    """Texts as numbers, which the user says they are."""
    if raw.dtype.kind != "U":
        return raw
    numbers = [number_of(text) for text in raw.tolist()]
    odd = next((i for i, number in enumerate(numbers) if number is None), 0)
    if class_names is None:
        raise InputError(f'row {odd}: label "{raw[odd]:.60}" is text; {_names_needed(raw, k)}')
    if numbers[odd] is None:
        raise InputError(f'row {odd}: label "{raw[odd]}" should be the number of a class, but it is not a number')
    return np.array(numbers)


def outcome_of(kind: str, labels: object, correct: object) -> tuple[object, str]:
    """What came true, and its name: labels, or beside confidences whether a row is correct; None if it is unknown.

    Raises: UsageError where the other one came.
    """
    needed, other = ("correct", "labels") if kind == "confidence" else ("labels", "correct")
    given = {"labels": labels, "correct": correct}
    if given[other] is not None:
        raise UsageError(f"{kind} go with {needed}, not with {other}")
    return given[needed], needed


def names_of_classes(names: object, *, stored: bool) -> tuple[str, ...] | None:
    """Names of classes, in their order; None for none.

    stored: whether they stood in a file, where two classes of one name, such as the cranes of ImageNet, may stay.
    Raises: UsageError for what a person gave, and is no list of names, each of one class.
    """
    if names is None:
        return None
    return tuple(map(str, names)) if stored and isinstance(names, Iterable) else class_names("class_names", names)


def check_classes(k: int, names: Sequence[str] | None) -> None:
    """Check that there are not too many classes, and a name for each. Raises: InputError."""
    if k > MOST_CLASSES:
        raise InputError(f"{k} classes, but at most {MOST_CLASSES} are supported")
    if names is not None and len(names) != k:
        raise InputError(f"{len(names)} class names, but the scores have {k} classes")


def check_ignore_index(ignore_index: object) -> None:
    """Check that the label of ignored rows is valid. Raises: UsageError."""
    if ignore_index is not None and not LEAST_LABEL <= whole()("ignore_index", ignore_index) <= MOST_LABEL:
        raise UsageError(f"ignore_index is {came(ignore_index)}, but it must be a whole number of 64 bits")


def _check_range(labels: Labels, k: int, ignore_index: int | None, owner: str) -> None:
    if not len(labels):
        return
    kept = labels if ignore_index is None else labels[labels != ignore_index]
    if not len(kept) or (kept.min() >= 0 and kept.max() < k):
        return
    out = (labels < 0) | (labels >= k)
    if ignore_index is not None:
        out &= labels != ignore_index
    rows = np.flatnonzero(out)
    row = int(rows[0])
    count = "" if len(rows) == 1 else f" ({len(rows)} rows are out of range)"
    raise InputError(
        f"row {row}: label {int(labels[row])}, but {owner} {k} classes (0 to {k - 1}){count}."
        + _hint(labels[rows], kept, k)
    )


def _hint(out: Labels, kept: Labels, k: int) -> str:
    """What labels may be; out: those that are no class, among those kept."""
    low, high = int(kept.min()), int(kept.max())
    if low == 1 and high == k:
        return " If the labels start at 1, subtract 1 before saving."
    if low == -1 and high == 1 and k == 2:
        return " If the classes are called -1 and 1, save 0 and 1."
    if k == 2 and (out == 255).all() and not (kept == 1).any():
        return " If 255 marks class 1, as in image files, divide the labels by 255 before saving."
    if (out == out[0]).all() and (int(out[0]) in (-1, -100, 255) or 1 < len(out) < len(kept)):
        return f" If {int(out[0])} marks rows without a label, use --ignore-index {int(out[0])}."
    return ""
