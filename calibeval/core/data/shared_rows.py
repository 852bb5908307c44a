"""Whether two samples share rows: determined by their file, by ids, or by hashes of the rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError

SKETCH = 32  # hashes that a sample is recognised by
LEAST_HITS = 3  # of a sketch: fewer may be chance

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Leak:
    """Rows that were used both for fitting and for testing.

    reason: "file": the same rows of the same file; "ids": shared ids whose labels and values agree; "rows": no ids, but
    more than half of the rows are identical in values and label. rows: their number. text: the message.
    certain: False if only ids coincide, which is a warning, not a leak.
    """

    reason: str
    rows: int
    text: str
    certain: bool = True

    @property
    def notice(self) -> Notice:
        """The text as a warning."""
        return warning("leak" if self.certain else "shared_ids", self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What identifies the rows of a sample.

    source: with its hash. n: number of rows without ignored ones. file_rows: their numbers in the file, if known.
    ids: a name for each of these rows; None without ids. hashes: of each of these rows, (n,).
    width: number of values per row; rows of different widths are never equal. values: what messages call them, such as
    "scores".
    """

    source: Source
    n: int
    width: int | None
    values: str
    hashes: Callable[[], Hashes]
    ids: Callable[[], npt.NDArray[Any]] | None = None
    file_rows: npt.NDArray[Any] | None = None


def find_leak(fitted: Sample, tested: Sample) -> Leak | None:
    """The leak between two samples, or None.

    Time and memory are linear in the rows, except for sorting 8 bytes per row; each sample is hashed at most once.
    """
    same = _same_file(fitted, tested)
    if same is not None or fitted.width != tested.width:
        return same
    if fitted.ids is not None and tested.ids is not None:
        return _shared_ids(fitted, tested, fitted.ids(), tested.ids())
    return _shared_rows(fitted, tested)


def sketch_of(hashes: Hashes) -> str | None:
    """What recognises rows in another file: the smallest hashes of rows that occur once, as hexadecimal digits.

    None where no row occurs once: saturated rows are alike by themselves.

    >>> sketch_of(np.array([7, 9, 9, 3], np.uint64))
    '00000000000000030000000000000007'
    """
    values, counts = np.unique(hashes, return_counts=True)
    smallest = values[counts == 1][:SKETCH]
    return smallest.astype(">u8").tobytes().hex() if len(smallest) else None


def sketched_rows(sketch: str, n: int, hashes: Hashes, *, one_number: bool = False) -> int:
    """About how many of the n rows of a sketch are among these, where they are more than half of either; else 0.

    one_number: whether rows are a single number and a label, many of which are equal by chance; see `_enough`.
    Raises: InputError for a text that is no sketch.

    >>> rows = np.arange(100, dtype=np.uint64)
    >>> sketched_rows(sketch_of(rows), 100, rows[:80]), sketched_rows(sketch_of(rows), 100, rows + np.uint64(100))
    (100, 0)
    """
    if not re.fullmatch("([0-9a-f]{16})+", sketch):
        raise InputError("the sketch of the fitted rows is no list of hashes")
    known = np.frombuffer(bytes.fromhex(sketch), ">u8").astype(np.uint64)
    hits = int(np.count_nonzero(np.isin(known, hashes)))
    shared = round(n * hits / len(known))
    enough = hits >= min(LEAST_HITS, len(known)) and 2 * shared > min(n, len(hashes))
    enough = enough and hits > len(known) * (_enough(hashes) if one_number else 0.0)
    return shared if enough else 0


def _same_file(fitted: Sample, tested: Sample) -> Leak | None:
    """A leak if both samples are from the same file, and share rows of it."""
    one, other = fitted.source, tested.source
    if not one.is_same_file(other):
        return None
    if fitted.file_rows is not None and tested.file_rows is not None:
        shared = len(np.intersect1d(fitted.file_rows, tested.file_rows))
    else:
        mine, theirs = (set((source.split or "all").split("+")) for source in (one, other))
        shared = min(fitted.n, tested.n) if mine & theirs or mine == {"all"} or theirs == {"all"} else 0
    if not shared:
        return None
    return Leak("file", shared, f"{one.name} and {other.name} are the same file and share {_rows(shared)}")


def _shared_ids(fitted: Sample, tested: Sample, ids: npt.NDArray[Any], other_ids: npt.NDArray[Any]) -> Leak | None:
    """A leak if most of the rows with shared ids agree in label and values; only a warning if few do."""
    if ids.dtype.kind != other_ids.dtype.kind and not {ids.dtype.kind, other_ids.dtype.kind} <= set("iu"):
        ids, other_ids = ids.astype(str), other_ids.astype(str)
    shared, here, there = np.intersect1d(ids, other_ids, return_indices=True)
    if not len(shared):
        return None
    agree = int(np.count_nonzero(fitted.hashes()[here] == tested.hashes()[there]))
    names = f"{fitted.source.name} and {tested.source.name}"
    if 2 * agree > len(shared):
        text = f"{names} share {_rows(agree)}: the same ids with the same labels and {fitted.values}"
        return Leak("ids", agree, text)
    alike = f"only {agree} of them with the same label and {fitted.values}"
    text = f"{names} share {len(shared)} ids, but {alike}: the ids seem to coincide by chance"
    return Leak("ids", agree, text, certain=False)


def _shared_rows(fitted: Sample, tested: Sample) -> Leak | None:
    """A leak if more than half of the rows of either sample are also in the other.

    Rows that a sample holds more than once are no evidence, since saturated rows are often identical. So more than half
    of the rows that occur once must be shared, too; and if no row occurs once, the samples must agree row by row.
    """
    mine, theirs = fitted.hashes(), tested.hashes()
    if np.array_equal(mine, theirs):
        return _rows_leak(fitted, tested, len(mine))
    for own, other in ((theirs, mine), (mine, theirs)):
        found = np.isin(own, other)
        _, first, count = np.unique(own, return_index=True, return_counts=True)
        single = first[count == 1]
        needed = 0.5 if fitted.width is not None else _enough(other)
        shared = np.count_nonzero(found[single])
        if 2 * np.count_nonzero(found) > len(own) and shared > needed * len(single) > 0:
            return _rows_leak(fitted, tested, int(np.count_nonzero(found)))
    return None


def _enough(hashes: Hashes) -> float:
    """The share of rows found in a sample that is evidence: half-way from the share expected by chance to all.

    By chance, a row of the same source is found in a sample with about the share of its rows that occur more than once:
    confidences such as 0.9 and 0.95 are found always.
    Source: Good, Biometrika 40:237 (1953).

    >>> _enough(np.array([1, 2, 3, 4], np.uint64)), _enough(np.array([1, 2, 3, 3], np.uint64))
    (0.5, 0.75)
    """
    _, counts = np.unique(hashes, return_counts=True)
    return 1.0 - int(np.count_nonzero(counts == 1)) / len(hashes) / 2.0


def _rows_leak(fitted: Sample, tested: Sample, rows: int) -> Leak:
    names = f"{fitted.source.name} and {tested.source.name}"
    return Leak("rows", rows, f"{names} share {_rows(rows)}, identical in {fitted.values} and label")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
