"""What another file says of each row of a dump: found by ids where both files have them, else by position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_ids import Copies, Order, copies_in, matchable, places_in, shown
from calibeval.core.errors import InputError
from calibeval.readers.meaning.labels_file import LabelsFile
from calibeval.readers.meaning.row_names import by_names, candidates, counts, doubts, overruled
from calibeval.readers.meaning.splits import View, pick
from calibeval.readers.stored.names import INDEX_KEYS
from calibeval.readers.stored.stored import Stored


@dataclass(frozen=True, slots=True, eq=False)
class PairedLabels:
    """What the labels' file says, by role, each with one entry for every row of the dump or split, in their order.

    by: how rows were paired, in words. warnings: doubts about it.
    """

    values: Mapping[str, npt.NDArray[Any]]
    by: str
    warnings: tuple[Notice, ...] = ()

    def with_labels(self, labels: npt.NDArray[Any] | None) -> PairedLabels:
        """The same with these labels."""
        return self if labels is None else replace(self, values={**self.values, "labels": labels})


def paired_labels(
    view: View, labels: LabelsFile, ids: str | None, n: int, file: str, *, drop_duplicates: bool | None = False
) -> PairedLabels:
    """What the labels' file says of each row of a dump, or of its split, with warnings about what contradicts it.

    See `_paired`.
    """
    found = _paired(view, labels, ids, n, file, drop_duplicates=drop_duplicates)
    return replace(found, warnings=(*found.warnings, *overruled(view, labels, found.values, n, file)))


def _paired(
    view: View, labels: LabelsFile, ids: str | None, n: int, file: str, *, drop_duplicates: bool | None
) -> PairedLabels:
    """What the labels' file says of each row of a dump, or of its split.

    ids: the key of the dump's ids. n: rows in the dump's file. drop_duplicates: whether ids that occur twice in the
    labels' file may do so, where their labels agree; None: nobody can say so.
    Rows are paired by ids if both files have them: each row needs a label, and unless the dump is a split, each label a
    row. Columns that the files share, and the index of a data frame, serve as ids if they name the same rows.
    Raises: InputError if ids are missing, doubled or left over, with counts; if the numbers of rows differ.
    """
    values = {role: labels.array(role) for role in labels.roles}
    part = view.part
    if ids is not None and labels.ids is not None:
        ids = labels.ids if labels.ids in view.arrays and view.arrays[labels.ids].shape == (n,) else ids
        ours = pick(_column(view.arrays[ids], ids, file), view.rows, n, file, "ids")
        theirs = _column(labels.arrays[labels.ids], labels.ids, labels.name)
        image = n == 1 and len(theirs) == 1 and all(one.ndim == 2 for one in values.values())
        if not image:
            _check_lengths(values, labels, len(theirs))
        order = _by_ids(ours, theirs, values, labels, file, part=part, drop_duplicates=drop_duplicates)
        names = "ids" if ids == labels.ids else f'"{ids}" and "{labels.ids}"'
        return PairedLabels(_taken(values, order), _in_words(len(ours), len(theirs), labels, f"joined by {names}"))
    for own, other in candidates(view, labels, ids, n):
        ours = pick(view.arrays[own].array(), view.rows, n, file)
        theirs = labels.arrays[other].array()
        if counts(ours, own) or counts(theirs, other):
            continue
        order = by_names(ours, theirs, part=part, twice=own == other)
        if order is not None:
            _check_lengths(values, labels, len(theirs))
            by = f"joined by {_called(own)}" + ("" if own == other else f" and {_called(other)}")
            return PairedLabels(_taken(values, order), _in_words(len(ours), len(theirs), labels, by))
    return _by_position(view, labels, values, ids, n, file)


def _column(stored: Stored, key: str, file: str) -> npt.NDArray[Any]:
    if len(stored.shape) != 1:
        raise InputError(f'{file}: "{key}" {stored.describe()} should be the ids, but one for each row is needed')
    return stored.array()


def _by_position(
    view: View, labels: LabelsFile, values: Mapping[str, npt.NDArray[Any]], ids: str | None, n: int, file: str
) -> PairedLabels:
    """The values in the order of the file's rows, or of the split's if there are as many."""
    found, rows = {}, view.rows
    count = len(next(iter(values.values()))) if all(one.shape for one in values.values()) else 0
    own = rows is not None and len(rows) == count != n
    several = view.joined and view.chosen is None and labels.split != view.name
    if several and (own or rows is None or labels.split not in (None, "all")):
        raise InputError(
            f"{file}: {labels.name} has labels by position for one split, but several splits are read. Save the labels "
            f"of each, as {view.name}_labels, or give both files ids."
        )
    for role, one in values.items():
        what = "labels" if role == "labels" else f"entries of {role}"
        found[role] = one if own else pick(one, rows, n, file, what)
    warnings: list[Notice] = []
    if own:
        text = f"the labels' file has {count} labels for {n} rows: they are taken as those of the split"
        warnings.append(warning("labels_of_split", text))
    if (ids is None) != (labels.ids is None):
        named, other = (file, labels.name) if labels.ids is None else (labels.name, file)
        text = f"labels were paired with rows by position: {named} has ids, {other} has none"
        warnings.append(warning("paired_by_position", text))
    warnings += doubts(view, labels, n, file)
    total = n if rows is None else len(rows)
    there = total if rows is None else count
    return PairedLabels(found, _in_words(total, there, labels, "by position"), tuple(warnings))


def _by_ids(
    ours: npt.NDArray[Any],
    theirs: npt.NDArray[Any],
    values: Mapping[str, npt.NDArray[Any]],
    labels: LabelsFile,
    file: str,
    *,
    part: bool,
    drop_duplicates: bool | None,
) -> Order | None:
    """For each row of the dump, the position of its id in the labels' file; None if the ids are in the same order.

    part: whether the labels' file may hold ids of other rows.
    """
    mine, others = matchable(ours, theirs)
    if np.array_equal(mine, others):
        return None
    copies = copies_in(others)
    if copies is not None:
        _check_copies(copies, theirs, values, labels, drop_duplicates=drop_duplicates)
    places, found = _places(mine, others, copies)
    missing = np.flatnonzero(places < 0)
    left = np.flatnonzero(~found)
    if not len(missing) and (part or not len(left)):
        return places
    if len(missing) == len(ours) and len(theirs):
        raise InputError(
            f"{file}: no row has its id in {labels.name}: {shown(ours[0])} here, {shown(theirs[0])} there. "
            "Name the ids with --ids-key, or save the labels without ids, in the order of the rows."
        )
    said = []
    if len(missing):
        said.append(f"{_of(len(missing), len(ours), 'row')} no label in {labels.name}, {_such_as(ours, missing)}")
    if len(left) and not part:
        said.append(f"{_of(len(left), len(theirs), 'label')} no row, {_such_as(theirs, left)}")
    whose = "the rows" if not len(left) or part else f"the rows of {file}"
    raise InputError(f"{file}: {'; '.join(said)}. Rows are paired by ids: give one label for each of {whose}.")


def _check_copies(
    copies: Copies,
    ids: npt.NDArray[Any],
    values: Mapping[str, npt.NDArray[Any]],
    labels: LabelsFile,
    *,
    drop_duplicates: bool | None,
) -> None:
    """Refuse ids that occur more than once in the labels' file, unless their labels agree and may be dropped."""
    pairs = [(one[copies.later], one[copies.first]) for one in values.values()]
    same = [(a == b).reshape(len(copies.later), -1).all(axis=1) for a, b in pairs]
    agree = np.logical_and.reduce(same)
    if agree.all() and drop_duplicates:
        return
    often = "twice" if copies.most == 2 else "more than once"
    many = "1 id occurs" if copies.ids == 1 else f"{copies.ids:,} ids occur"
    if agree.all():
        how = "" if drop_duplicates is None else " with --drop-duplicates"
        remedy = f"with the same labels each time. Keep one of each{how}."
    else:
        odd = len(np.unique(copies.first[~agree]))
        remedy = f"{odd:,} of them with different labels, so rows cannot be paired by id."
    raise InputError(f"{labels.name}: {many} {often}, such as {shown(ids[copies.first[0]])}, {remedy}")


def _places(
    mine: npt.NDArray[Any], others: npt.NDArray[Any], copies: Copies | None
) -> tuple[Order, npt.NDArray[np.bool_]]:
    """For each of these ids the first position of it among the others, or -1; and which of the others were found."""
    places = places_in(others, mine)
    found = np.zeros(len(others), bool)
    found[places[places >= 0]] = True
    if copies is not None:
        found[copies.later] = found[copies.first]
    return places, found


def _check_lengths(values: Mapping[str, npt.NDArray[Any]], labels: LabelsFile, count: int) -> None:
    for role, one in values.items():
        if one.shape[:1] != (count,):
            many = f"{len(one)}" if one.shape else "a single number in place of"
            what = "labels" if role == "labels" else f"entries of {role}"
            raise InputError(f"{labels.name}: {count} ids, but {many} {what}")


def _taken(values: Mapping[str, npt.NDArray[Any]], order: Order | None) -> dict[str, npt.NDArray[Any]]:
    return dict(values) if order is None else {role: one[order] for role, one in values.items()}


def _in_words(rows: int, there: int, labels: LabelsFile, by: str) -> str:
    count = _noun(labels, there) if rows >= there else f"{rows:,} of {_noun(labels, there)}"
    return f"{count} from {labels.name}, {by}"


def _noun(labels: LabelsFile, count: int) -> str:
    key = labels.roles.get("labels")
    if key is not None and len(labels.arrays[key].shape) > 2:
        return f"labels of {count:,} images"
    what = "outcome" if key is None else "label"
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def _called(key: str) -> str:
    return "the index" if key.lower() in INDEX_KEYS else f'"{key}"'


def _of(some: int, all_of_them: int, noun: str) -> str:
    return f"{some:,} of {all_of_them:,} {noun}s {'has' if some == 1 else 'have'}"


def _such_as(ids: npt.NDArray[Any], places: Order) -> str:
    return f"such as id {shown(ids[places[0]])}"
