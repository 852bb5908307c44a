"""Labels of features: a class for each row, or soft labels, which give the probability of every class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import AnyFloats
from calibeval.core.data.class_names import LabelsAre, as_labels_are
from calibeval.core.data.labels import MOST_CLASSES, Labels, read_labels
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.errors import InputError


class FeatureLabels(NamedTuple):
    """The labels of n rows and their number of classes k.

    labels: (n,), the class of each row; of soft labels, the most probable one. soft: (n, k), or None.
    ignore_index: the label of ignored rows. counted: whether k is the largest label plus 1.
    """

    k: int
    labels: Labels
    ignore_index: int | None
    soft: AnyFloats | None
    counted: bool


def feature_labels(
    raw: npt.NDArray[Any],
    n: int,
    names: Sequence[str] | None,
    ignore_index: int | None,
    labels_are: LabelsAre | None,
) -> FeatureLabels:
    """Labels as whole numbers, with k from the names, one-hot rows or soft labels, or else from the largest label.

    Raises: InputError for labels that do not fit, naming the first wrong row.
    """
    if len(raw.shape) == 0 or len(raw) != n:
        count = "a single label" if raw.ndim == 0 else f"{len(raw)} labels"
        raise InputError(f"{n:,} rows of features, but {count}")
    k = classes_of(raw, ignore_index) if names is None else len(names)
    if k > MOST_CLASSES:
        raise InputError(f"the largest label is {k - 1}, but at most {MOST_CLASSES} classes are supported")
    if are_soft(raw):
        return FeatureLabels(k, *_soft(raw, k, ignore_index), counted=False)
    are = as_labels_are(labels_are)
    labels, ignore_index, _ = read_labels(raw, k, names, ignore_index, owner="there are", labels_are=are)
    counted = names is None and (raw.ndim == 1 or raw.shape[1] == 1)
    return FeatureLabels(k, labels, ignore_index, None, counted)


def classes_of(raw: npt.NDArray[Any], ignore_index: int | None = None) -> int:
    """The number of classes from labels without names: their width, or the largest label plus 1."""
    if raw.ndim == 2 and raw.shape[1] > 1:
        return len(raw[0]) if len(raw) else 1
    if raw.dtype.kind not in "iufb" or not raw.size:
        return 1
    kept = raw if ignore_index is None else raw[raw != ignore_index]
    largest = kept.max(initial=0)
    return max(int(largest), 0) + 1 if np.isfinite(largest) else 1


def are_soft(raw: npt.NDArray[Any]) -> bool:
    """Whether labels are floating-point numbers for every class, and some of them are neither 0 nor 1.

    >>> are_soft(np.array([[0.5, 0.5]])), are_soft(np.array([[0.0, 1.0]])), are_soft(np.array([0.5]))
    (True, False, False)
    """
    return raw.ndim == 2 and raw.shape[1] > 1 and raw.dtype.kind == "f" and not ((raw == 0) | (raw == 1)).all()


def _soft(raw: npt.NDArray[Any], k: int, ignore_index: int | None) -> tuple[Labels, None, AnyFloats]:
    """The most probable class of each row, and the soft labels."""
    if raw.shape[1] != k:
        raise InputError(f"soft labels have {raw.shape[1]} columns, but there are {k} classes")
    if ignore_index is not None:
        raise InputError(
            f"labels are soft: the probability of every class, so no row has the label {ignore_index} of ignored rows; "
            "leave out such rows before saving"
        )
    limits = Tolerance.of(stored_precision(raw.dtype))
    sums = raw.sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        right = (raw >= -limits.spare).all(axis=1) & (np.abs(sums - 1.0) <= limits.of_sum)
    wrong = np.flatnonzero(~right)
    if len(wrong):
        row, more = int(wrong[0]), "" if len(wrong) == 1 else f" ({len(wrong):,} rows are wrong)"
        least = raw[row].min()
        what = f"holds {least:g}" if not least >= -limits.spare else f"sums to {sums[row]:.6g}"
        raise InputError(f"row {row}: its soft label {what}, but the probabilities of the classes sum to 1{more}")
    return np.asarray(raw.argmax(axis=1), np.int64), None, raw


def doubt_of(labels: Labels) -> Notice | None:
    """A warning if labels seem to start at 1, which cannot be proved without class names."""
    low, high = int(labels.min()), int(labels.max())
    if low != 1 or len(np.unique(labels)) != high:
        return None
    return warning(
        "labels_from_one", f"labels range from 1 to {high}, and none is 0: if they start at 1, subtract 1 before saving"
    )
