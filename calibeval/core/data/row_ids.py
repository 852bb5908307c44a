"""Ids of rows: how they compare between files, which of them occur more than once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.columns import as_objects

PART_ROWS = 2**16
MIX_SEED = 0x1D5
TEXT = "OUS"
WHOLE = r"(?a)([0-9]{1,19})(?:\.0*)?"  # 7, 007, and 7.0 as a table with an empty cell writes it

Order = npt.NDArray[np.intp]


def comparable(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Both columns as numbers if both hold whole numbers, else as text."""
    if {ours.dtype.kind, theirs.dtype.kind} <= set("iu"):
        return ours, theirs
    return as_text(ours), as_text(theirs)


def matchable(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Ids of two files as values of one type, whatever the files made of them.

    Whole numbers stay numbers, also those that an empty cell made floats; texts beside them count as numbers if each of
    them is one, so that 007 is the same id as 7. Everything else is text.

    >>> matchable(np.array([7.0, 8.0]), np.array(["008", "007"]))[1].tolist()
    [8, 7]
    >>> matchable(np.array([7, 8]), np.array([b"7", b"x"]))[0].tolist()
    ['7', '8']
    """
    mine, other = _as_whole(ours), _as_whole(theirs)
    if mine is None and other is not None:
        mine = _as_numbers(ours)
    elif other is None and mine is not None:
        other = _as_numbers(theirs)
    if mine is None or other is None:
        return as_text(_plain(ours)), as_text(_plain(theirs))
    return mine, other


def as_text(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Ids or other values as text; bytes are UTF-8."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "backslashreplace")
    if values.dtype.kind in "UfMm":
        return values.astype(str)
    return as_objects(values)


def hashed(ids: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """A number for each id, the same for equal ids of any files: whole numbers are their own, texts are hashed.

    >>> hashed(np.array(["008", "7"])).tolist(), hashed(np.array([8, 7])).tolist()
    ([8, 7], [8, 7])
    """
    same = matchable(ids, np.zeros(1, np.int64))[0]
    if same.dtype.kind in "iu":
        return np.asarray(same.astype(np.int64).view(np.uint64))
    return _hashes(same.astype(str))


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Entries whose id an earlier entry has.

    later: their positions, ascending. first: for each of them, the position of the first entry with the same id.
    """

    later: Order
    first: Order

    @property
    def ids(self) -> int:
        """Number of ids that occur more than once."""
        return len(np.unique(self.first))

    @property
    def most(self) -> int:
        """How often the most frequent id occurs."""
        return 1 + int(np.unique(self.first, return_counts=True)[1].max())


def copies_in(ids: npt.NDArray[Any]) -> Copies | None:
    """The entries whose id occurred before; None if each id occurs once.

    Ids in ascending order are compared once; texts in another order are hashed, and 8 bytes each are sorted.

    >>> found = copies_in(np.array(["b", "a", "b"]))
    >>> found.later.tolist(), found.first.tolist()
    ([2], [0])
    """
    if len(ids) < 2 or _ascending(ids):
        return None
    keys = _hashes(ids) if ids.dtype.kind in "US" else ids if ids.dtype.kind in "iubMm" else _codes(ids)
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]
    again = ascending[1:] == ascending[:-1]
    if not again.any():
        return None
    if keys is not ids and not np.array_equal(ids[order[1:]][again], ids[order[:-1]][again]):
        return _of_codes(_codes(ids))  # two texts have one hash
    return _of_order(order, again)


def places_in(others: npt.NDArray[Any], ids: npt.NDArray[Any]) -> Order:
    """For each id, the first position of it among the others; -1 where there is none. Both are of one type.

    >>> places_in(np.array(["a", "b", "a"]), np.array(["b", "a", "c"])).tolist()
    [1, 0, -1]
    """
    if not len(others) or not len(ids):
        return np.full(len(ids), -1, np.intp)
    known, keys = _sortable(others), _sortable(ids)
    if known is None or keys is None:
        return _looked_up(others, ids)
    order = np.argsort(known, kind="stable")
    ascending = known[order]
    ranks = np.minimum(np.searchsorted(ascending, keys), len(others) - 1)
    found = ascending[ranks] == keys
    places = np.where(found, order[ranks], -1)
    if known is not others and not np.array_equal(others[places[found]], ids[found]):
        return _looked_up(others, ids)  # two texts have one hash
    return places


def _sortable(ids: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Numbers that are equal where the ids are equal, or the hashes of texts; None if there are none."""
    if ids.dtype.kind == "i" or (ids.dtype.kind == "u" and ids.max(initial=0) < 2**63):
        return ids.astype(np.int64, copy=False)
    return _hashes(ids) if ids.dtype.kind == "U" else None


def _looked_up(others: npt.NDArray[Any], ids: npt.NDArray[Any]) -> Order:
    known = dict(zip(reversed(others.tolist()), range(len(others) - 1, -1, -1), strict=True))
    return np.fromiter((known.get(value, -1) for value in ids.tolist()), np.intp, len(ids))


def shown(value: object) -> str:
    """An id as messages show it.

    >>> shown(np.bytes_(b"img_7")), shown(np.int64(7))
    ('"img_7"', '7')
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    text = str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f'"{text}"' if isinstance(value, str) else text


def _as_whole(values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Whole numbers, also where a table with an empty cell made them floats; None for anything else."""
    if values.dtype.kind in "iu":
        return values
    if values.dtype.kind == "f":
        sizes = np.abs(values.astype(np.result_type(values.dtype, np.float64), copy=False))
        if bool((sizes < 2.0**53).all()) and bool((values == np.floor(values)).all()):
            return values.astype(np.int64)
    return None


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Whole floats as whole numbers, since 7.0 is the text 7."""
    whole = _as_whole(values)
    return values if whole is None else whole


def _as_numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Texts as the whole numbers that they are; None if one of them is none."""
    if values.dtype.kind not in TEXT:
        return None
    texts = as_text(values)
    whole = re.compile(WHOLE)
    found = [whole.fullmatch(text) for text in texts.tolist()]
    if not all(found):
        return None
    try:
        return np.array([int(match[1]) for match in found if match is not None], np.int64)
    except (ValueError, OverflowError):
        return None


def _ascending(ids: npt.NDArray[Any]) -> bool:
    return ids.dtype.kind in "iufUS" and bool((ids[1:] > ids[:-1]).all())


def _codes(ids: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A number for each different id; NaN is never the same as NaN."""
    values = as_text(ids) if ids.dtype.kind == "O" else ids
    if values.dtype.kind != "O":
        return np.asarray(np.unique(values, return_inverse=True, equal_nan=False)[1])
    known: dict[Any, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values.tolist()], np.intp)


def _of_codes(codes: npt.NDArray[Any]) -> Copies | None:
    order = np.argsort(codes, kind="stable")
    again = codes[order][1:] == codes[order][:-1]
    return _of_order(order, again) if again.any() else None


def _of_order(order: Order, again: npt.NDArray[np.bool_]) -> Copies:
    """The copies, from a stable order of all entries and whether each but the first has the id of the one before."""
    starts = np.flatnonzero(np.concatenate([[True], ~again]))
    group = np.cumsum(np.concatenate([[0], ~again]))
    later = order[1:][again]
    first = order[starts[group[1:][again]]]
    ascending = np.argsort(later)
    return Copies(later[ascending], first[ascending])


def _hashes(texts: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """A hash of each text: its characters times random odd numbers, modulo 2^64."""
    size = 4 if texts.dtype.kind == "U" else 1
    width = texts.dtype.itemsize // size
    factors = np.random.default_rng(MIX_SEED).integers(0, 2**64, width, np.uint64) | np.uint64(1)
    found = np.empty(len(texts), np.uint64)
    for start in range(0, len(texts), PART_ROWS):
        part = np.ascontiguousarray(texts[start : start + PART_ROWS], texts.dtype.newbyteorder("="))
        codes = part.view(np.uint32 if size == 4 else np.uint8).reshape(len(part), width)
        found[start : start + PART_ROWS] = codes.astype(np.uint64) @ factors
    return np.asarray(found ^ (found >> np.uint64(29)))
