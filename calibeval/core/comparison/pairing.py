"""Which row of one dump belongs to which row of another: by id, or else by position if nothing contradicts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.duplicates import duplicates_of
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_ids import as_text, copies_in, matchable
from calibeval.core.data.row_source import show_shape
from calibeval.core.errors import InputError

_SHOWN = 3
NEED = "; give both dumps ids (--ids-key), or use dumps of the same rows"

Order = npt.NDArray[np.intp]
WEIGHTS_AGREE = 1e-6  # of each weight, for weights that were stored in another precision


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """How the rows of base and candidate are paired.

    by: "id" or "position". order: for each row of the base, the position of its partner in the candidate, both counted
    without ignored rows; None if positions are equal. warnings: doubts about the pairing.
    """

    by: Literal["id", "position"]
    order: Order | None
    warnings: tuple[Notice, ...] = ()


def pair_rows(base: Predictions, candidate: Predictions) -> Pairing:
    """Pair the rows of two dumps of the same samples.

    Rows are paired by id if both dumps have ids, which must be the same ones, each once. Otherwise they are paired by
    position, if the number of rows, the labels and every shared column are equal. Paired rows must have the same label.
    Raises: InputError if the dumps hold different rows, classes or labels, naming the first difference.

    >>> base = Predictions(probs=[0.2, 0.9], labels=[0, 1], ids=["a", "b"])
    >>> pairing = pair_rows(base, Predictions(probs=[0.7, 0.4], labels=[1, 0], ids=["b", "a"]))
    >>> pairing.by, pairing.order.tolist()
    ('id', [1, 0])
    """
    for one in (base, candidate):
        check_labelled(one, "to compare")
    check_classes(base, candidate)
    if not _have_ids(base, candidate):
        if base.layout == candidate.layout:
            check_weights(base, candidate, None)
        _check_positions(base, candidate)
        return Pairing("position", None, _doubts(base, candidate))
    stored = _by_id(base, candidate)
    check_weights(base, candidate, stored)
    _check_labels(base, candidate, stored)
    return Pairing("id", _among_kept(base, candidate, stored))


def check_weights(base: Predictions, candidate: Predictions, order: Order | None) -> None:
    """Check that paired rows have the same weight, up to one factor for all. order: of the candidate's stored rows.

    Raises: InputError, with the first row in which they differ.
    """
    ours, theirs = base.weights, candidate.weights
    names = f"{base.source.name} and {candidate.source.name}"
    if ours is None and theirs is None:
        return
    if ours is None or theirs is None:
        one = base if theirs is None else candidate
        raise InputError(f"{names} cannot be compared: only the rows of {one.source.name} are weighted")
    own, other = ours.values, theirs.values if order is None else theirs.values[order]
    both = (own > 0.0) & (other > 0.0)
    factor = float(np.median(own[both] / other[both])) if both.any() else 1.0
    far = np.abs(own - factor * other) > WEIGHTS_AGREE * own
    if far.any():
        row = int(far.argmax())
        partner = row if order is None else int(order[row])
        own_weight, other_weight = (_weight_of(dump, place) for dump, place in ((base, row), (candidate, partner)))
        raise InputError(
            f"{names} cannot be compared: {base.locate(row)} of the first has weight {own_weight:g}, and its partner "
            f"in the second {other_weight:g} ({int(far.sum()):,} rows differ); a pair of rows has one weight"
        )


def _weight_of(predictions: Predictions, row: int) -> float:
    """The weight of a stored row as it came."""
    column = predictions.columns["" if predictions.weights is None else predictions.weights.column]
    return float(column[row // (predictions.rows // len(column))])


def _have_ids(base: Predictions, candidate: Predictions) -> bool:
    return base.ids is not None and candidate.ids is not None


def check_classes(base: Predictions, candidate: Predictions) -> None:
    """Check that both dumps have the same classes, as far as they name them.

    Raises: InputError if the number or the names of the classes differ.
    """
    names = f"{base.source.name} and {candidate.source.name}"
    if base.k is not None and candidate.k is not None and base.k != candidate.k:
        raise InputError(f"{names} cannot be compared: {base.k} classes in the first, {candidate.k} in the second")
    if base.class_names is None or candidate.class_names is None or base.class_names == candidate.class_names:
        return
    place = next(
        i for i, pair in enumerate(zip(base.class_names, candidate.class_names, strict=True)) if len({*pair}) > 1
    )
    pair = f'"{base.class_names[place]}" in the first, "{candidate.class_names[place]}" in the second'
    raise InputError(f"{names} cannot be compared: class {place} is {pair}; write both in one order of classes")


def _by_id(base: Predictions, candidate: Predictions) -> Order | None:
    """For each stored row of the base, its partner's stored row; None if the ids are in the same order."""
    ours, theirs = matchable(np.asarray(base.ids), np.asarray(candidate.ids))
    pixels = base.rows // len(ours)
    if pixels != candidate.rows // len(theirs):
        sizes = " and ".join(show_shape(p.layout[1:]) for p in (base, candidate))
        raise InputError(f"{base.source.name} and {candidate.source.name} have images of different sizes: {sizes}")
    if np.array_equal(ours, theirs):
        _check_unique(base, ours)
        return None
    _check_unique(base, ours)
    _check_unique(candidate, theirs)
    our_ranks, their_ranks = np.argsort(ours), np.argsort(theirs)
    if not np.array_equal(ours[our_ranks], theirs[their_ranks]):
        raise InputError(_other_rows(base, candidate, ours, theirs))
    partners = np.empty_like(our_ranks)
    partners[our_ranks] = their_ranks
    if pixels == 1:
        return partners
    return np.asarray((partners[:, None] * pixels + np.arange(pixels)).ravel())


def _check_unique(predictions: Predictions, ids: npt.NDArray[Any]) -> None:
    copies = copies_in(ids)
    if copies is None:
        return
    place, again = int(copies.first[0]), int(copies.later[0])
    unit = "row" if len(ids) == predictions.rows else "image"
    more = "" if copies.ids == 1 else f" ({copies.ids:,} ids occur more than once)"
    found = duplicates_of(predictions)
    remedy = "name another column with --ids-key"
    if found is not None and found.agree:
        remedy += ", or leave out the copies with --drop-duplicates"
    raise InputError(
        f'{predictions.source.name}: {unit} {place} and {unit} {again} have the same id "{ids[place]}"{more}, '
        f"so rows cannot be paired by id; {remedy}"
    )


def _other_rows(base: Predictions, candidate: Predictions, ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> str:
    """The message that the ids differ, with a few of the ids that only one dump has."""
    parts = [
        f"{len(ids):,} only in {dump.source.name} ({', '.join(str(one) for one in ids[:_SHOWN].tolist())}"
        f"{', ...' if len(ids) > _SHOWN else ''})"
        for dump, ids in ((base, ours[~np.isin(ours, theirs)]), (candidate, theirs[~np.isin(theirs, ours)]))
        if len(ids)
    ]
    names = f"{base.source.name} and {candidate.source.name}"
    return f"{names} do not hold the same rows: ids differ, {' and '.join(parts)}. Compare dumps of the same rows."


def _check_labels(base: Predictions, candidate: Predictions, order: Order | None) -> None:
    """Check that paired rows have the same label, as far as both dumps hold labels."""
    if base.k is None or candidate.k is None:
        return
    theirs = candidate.labels if order is None else candidate.labels[order]
    wrong = np.flatnonzero(base.labels != theirs)
    if len(wrong):
        row = int(wrong[0])
        partner = row if order is None else int(order[row])
        others = f" ({len(wrong):,} rows differ)" if len(wrong) > 1 else ""
        by_ids = "the ids pair them: name others with --ids-key, or mend the labels"
        remedy = NEED if order is None and not _have_ids(base, candidate) else f"; {by_ids}"
        raise InputError(
            f"{base.locate(row)} of {base.source.name} has label {base.labels[row]}, but its partner, "
            f"{candidate.locate(partner)} of {candidate.source.name}, has label {theirs[row]}{others}: "
            f"these are not the same rows{remedy}"
        )
    if base.ignored != candidate.ignored:
        raise InputError(
            f"{base.source.name} ignores {base.ignored:,} rows, {candidate.source.name} {candidate.ignored:,}: "
            "use the same --ignore-index for both"
        )


def _among_kept(base: Predictions, candidate: Predictions, stored: Order | None) -> Order | None:
    """An order of stored rows as an order of the rows that are not ignored."""
    if stored is None or not base.ignored:
        return stored
    kept = candidate.labels != candidate.ignore_index
    return np.asarray((np.cumsum(kept) - 1)[stored[base.labels != base.ignore_index]])


def _check_positions(base: Predictions, candidate: Predictions) -> None:
    """Check that nothing contradicts the same order of the rows, and that something supports it."""
    names = f"{base.source.name} and {candidate.source.name}"
    if base.layout != candidate.layout:
        sizes = " and ".join(f"{p.rows:,}" if len(p.layout) == 1 else show_shape(p.layout) for p in (base, candidate))
        raise InputError(f"{names} have {sizes} rows, and not both have ids, so rows cannot be paired{NEED}")
    _check_labels(base, candidate, None)
    shared = [name for name in base.columns if name in candidate.columns]
    for name in shared:
        ours, theirs = np.asarray(base.columns[name]), np.asarray(candidate.columns[name])
        row = first_difference(ours, theirs)
        if row is not None:
            raise InputError(
                f'{names} cannot be paired by position: column "{name}" is {ours[row]} in the first and {theirs[row]} '
                f"in the second in row {row}{NEED}"
            )
    if (base.k is None or candidate.k is None) and not shared:
        raise InputError(
            f"{names} cannot be paired: not both have labels, and they share neither ids nor columns{NEED}"
        )


def first_difference(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> int | None:
    """The first row in which two columns differ; floats are compared in the narrower of their types.

    NaN equals NaN, and a number equals its text.
    """
    if ours.dtype.kind == "f" and theirs.dtype.kind == "f":
        narrower = min(ours.dtype, theirs.dtype, key=lambda dtype: dtype.itemsize)
        with np.errstate(over="ignore"):
            ours, theirs = ours.astype(narrower), theirs.astype(narrower)
        differs = ~((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)))
    elif {ours.dtype.kind, theirs.dtype.kind} <= set("fiub"):
        differs = ours != theirs
    else:
        differs = as_text(ours) != as_text(theirs)
    return int(differs.argmax()) if differs.any() else None


def _doubts(base: Predictions, candidate: Predictions) -> tuple[Notice, ...]:
    labels = base.labels if base.k is not None else candidate.labels
    if base.k is None or candidate.k is None or not bool(np.all(labels[1:] >= labels[:-1])):
        return ()
    why = "so equal labels are weak evidence that the rows are in the same order; give both dumps ids to be sure"
    return (warning("sorted_labels", f"rows were paired by position, and the labels are sorted, {why}"),)
