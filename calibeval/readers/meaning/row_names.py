"""Columns that name the rows in a dump and in the file of its labels, although they are not called ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_ids import Order, copies_in, matchable, places_in
from calibeval.readers.meaning.labels_file import LabelsFile
from calibeval.readers.meaning.splits import View, pick
from calibeval.readers.stored.names import INDEX_KEYS, LABEL_KEYS, index_column, measured
from calibeval.readers.stored.stored import Stored

LIKE_IDS = re.compile(r"(.*[a-z][_ .-]?)?(Id|ID|IDs|id|ids|idx|uid|uuid|key|number|file|filename|path|name|image)\Z")
FEW = 30  # rows, of which each could have a text of its own
MOST = 8  # columns that are compared

Array = npt.NDArray[np.generic]


def candidates(view: View, labels: LabelsFile, ids: str | None, n: int) -> Iterator[tuple[str, str]]:
    """Pairs of columns, of the dump and of the labels' file, that could name its rows."""
    taken = {*labels.roles.values(), labels.class_names}
    mine = {key: one for key, one in _own(view).items() if one.shape == (n,) and _could_name(one)}
    counts_there = {labels.arrays[key].shape[:1] for key in labels.roles.values()}
    others = {
        key: one
        for key, one in labels.arrays.items()
        if key not in taken and _could_name(one) and (key == labels.ids or one.shape in counts_there)
    }
    pairs = [(ids or index_column(view.arrays), labels.ids or index_column(labels.arrays))]
    if ids is None and labels.ids is None:
        pairs = [*((key, key) for key in mine if key in others), *pairs]
    found = [(own, other) for own, other in pairs if own in mine and other in others]
    yield from ((str(own), str(other)) for own, other in found)
    ours = {ids: mine[ids]} if ids in mine else _speaking(mine, n)
    theirs = {labels.ids: others[labels.ids]} if labels.ids in others else _speaking(others, n)
    for own in ours:
        for other in theirs:
            if (own, other) not in found and (_is_text(ours[own]) == _is_text(theirs[other])):
                yield own, other


def by_names(ours: Array, theirs: Array, *, part: bool, twice: bool) -> Order | None:
    """The order in which the second column names the rows of the first, each once; None if it does not name them.

    part: whether it may name other rows, too. twice: whether rows of the first may have the same name then.
    """
    if not _is_whole(ours) or not _is_whole(theirs):
        return None
    mine, others = matchable(ours, theirs)
    if len(mine) > len(others) or copies_in(others) is not None or (not twice and copies_in(mine) is not None):
        return None
    places = places_in(others, mine)
    if (places < 0).any():
        return None
    return places if part or len(np.unique(places)) == len(others) else None


def counts(values: Array, key: str) -> bool:
    """Whether an index only counts its rows, from 0 or 1, as that of every new data frame does."""
    if key.lower() not in INDEX_KEYS or values.dtype.kind not in "iu" or not len(values):
        return False
    return bool(values[0] in (0, 1) and (np.diff(values.astype(np.int64)) == 1).all())


def doubts(view: View, labels: LabelsFile, n: int, file: str) -> list[Notice]:
    """Warnings about rows that are paired by position, although a column of both files says otherwise."""
    found = []
    taken = {*labels.roles.values(), labels.class_names}
    pairs = {key: key for key in _own(view) if key in labels.arrays and key not in taken}
    index, other = index_column(view.arrays), index_column(labels.arrays)
    if index is not None and other is not None:
        pairs[index] = other
    for key, there in pairs.items():
        mine, theirs = view.arrays[key], labels.arrays[there]
        if mine.shape != (n,) or not _could_name(mine) or not _could_name(theirs):
            continue
        ours, whole = pick(mine.array(), view.rows, n, file), theirs.array()
        values = pick(whole, view.rows, n, file) if len(whole) == n else whole
        if len(ours) != len(values) or not len(ours):
            continue
        a, b = matchable(ours, values)
        different = int(np.count_nonzero(a != b))
        unique = copies_in(a) is None and copies_in(b) is None and key.lower() not in INDEX_KEYS
        if not different or not (unique or np.array_equal(np.sort(a), np.sort(b))):
            continue
        called = "the index" if key.lower() in INDEX_KEYS else f'"{key}"'
        remedy = f"say --ids-key {key}" if unique else "give both files ids"
        text = f"labels were paired with rows by position, but {called} differs in {different:,} of {len(ours):,} rows"
        found.append(warning("paired_by_position", f"{text}: if it tells which row is which, {remedy}"))
    return found


def overruled(view: View, labels: LabelsFile, values: Mapping[str, Array], n: int, file: str) -> list[Notice]:
    """A warning if the dump has labels of its own, which are not those of the labels' file; dummies are none."""
    keys = [key for key, one in view.arrays.items() if key.lower() in LABEL_KEYS and one.shape[:1] == (n,)]
    if len(keys) != 1 or "labels" not in values or view.arrays[keys[0]].refusal is not None:
        return []
    own, used = pick(view.arrays[keys[0]].array(), view.rows, n, file), values["labels"]
    comparable = {own.dtype.kind, used.dtype.kind} <= set("iufb") or {own.dtype.kind, used.dtype.kind} <= set("OUS")
    if own.shape != used.shape or not own.size or not comparable or (own == own.flat[0]).all():
        return []
    mine, others = matchable(own.reshape(-1), used.reshape(-1))
    different = int(np.count_nonzero(mine != others))
    if not different:
        return []
    where = f"in {different:,} of {own.size:,} rows"
    text = f'{labels.name} holds the labels that are used, but "{keys[0]}" in {file} differs from them {where}'
    return [warning("other_labels_differ", text)]


def _own(view: View) -> dict[str, Stored]:
    """The arrays of a split without those that have the prefix of another, such as test_name beside test_logits."""
    others = tuple({f"{prefix}_" for prefix in measured(view.arrays)}) if view.prefixed else ()
    return {key: one for key, one in view.arrays.items() if not others or not key.startswith(others)}


def _could_name(stored: Stored) -> bool:
    """Whether a column could name rows: numbers or texts."""
    return len(stored.shape) == 1 and stored.dtype.kind in "iufUSO" and stored.refusal is None


def _speaking(arrays: Mapping[str, Stored], n: int) -> dict[str, Stored]:
    """Columns that could name rows under any name: texts of many rows, and what is called like ids."""
    fitting = (
        (key, one) for key, one in arrays.items() if LIKE_IDS.match(key) or (_is_text(one) and one.shape[0] >= FEW <= n)
    )
    return dict(islice(fitting, MOST))


def _is_text(stored: Stored) -> bool:
    return stored.dtype.kind in "OUS"


def _is_whole(values: Array) -> bool:
    if values.dtype.kind != "f":
        return True
    with np.errstate(invalid="ignore"):
        return bool((np.floor(values) == values).all() and np.isfinite(values).all())
