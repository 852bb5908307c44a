"""The ids of rows that come batch by batch, as digests of 8 bytes each: which of them come more than once."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_ids import as_text, copies_in
from calibeval.core.data.row_source import as_column
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.batches import Batch

Digests = npt.NDArray[np.uint64]
WHOLE = re.compile(r"(-?[0-9]{1,40})(?:\.0*)?", re.ASCII)  # 7, 007, -7, and 7.0 as a table with an empty cell writes it
BELOW_0 = np.uint64(0xD1B54A32D192ED03)  # sets negative numbers apart


class RunningIds:
    """The digests of the ids of all rows, or of all images if these have ids. Ignored rows count for nothing.

    Two of a hundred million different ids have the same digest with a probability of 0.0003.
    """

    def __init__(self) -> None:
        self._digests: list[Digests] = []
        self._kept: list[npt.NDArray[np.bool_]] = []
        self._unit = "row"

    @classmethod
    def of(cls, ids: object, batch: Batch) -> Self:
        """Those of a batch. Raises: InputError unless each row, or each image, has one."""
        units, stored, made = batch.rows.layout[0], len(batch.keep), cls()
        named = as_column("ids", ids, {stored, units})
        made._unit = "image" if len(named) < stored else "row"
        made._digests = [id_digests(named)]
        made._kept = [np.asarray(batch.keep.reshape(len(named), -1).any(axis=1), np.bool_)]
        return made

    def joined(self, other: RunningIds) -> RunningIds:
        """The ids of both, these first."""
        made = RunningIds()
        made._digests, made._kept = [*self._digests, *other._digests], [*self._kept, *other._kept]
        made._unit = other._unit
        return made

    def notice(self) -> Notice | None:
        """The warning that some rows count more than once; None if each id comes once."""
        kept = np.flatnonzero(np.concatenate(self._kept))
        found = copies_in(np.concatenate(self._digests)[kept])
        if found is None:
            return None
        often = "twice" if found.most == 2 else "more than once"
        how = f"1 id occurs {often}" if found.ids == 1 else f"{found.ids:,} ids occur {often}"
        first, later = kept[found.first[0]], kept[found.later[0]]
        where = f"first: {self._unit} {later:,} has that of {self._unit} {first:,}"
        text = f"{how} ({where}), and each such {self._unit} counts: padding of a distributed sampler?"
        return warning("duplicate_ids", text)


def ids_of(ids: object, batch: Batch, before: RunningIds | None, *, first: bool) -> RunningIds | None:
    """The ids of a batch. before: those of the batches before. first: whether there are none.

    Raises: InputError; UsageError if only some batches have ids.
    """
    if not first and (ids is None) != (before is None):
        here, there = ("no ids", "had them") if ids is None else ("ids", "had none")
        raise UsageError(f"this batch has {here}, but the batches before {there}")
    return None if ids is None else RunningIds.of(ids, batch)


def id_digests(ids: npt.NDArray[Any]) -> Digests:
    """8 bytes for each id, the same whatever the batch: 7, 7.0 and "007" are one id, and so are -7 and "-7".

    Floats from 2^53 on, which may have been rounded, are compared as the texts that they are: 1e17 is "1e+17".

    >>> found = id_digests(np.array([7, 8])), id_digests(np.array(["007", "x"])), id_digests(np.array([7.0]))
    >>> bool(found[0][0] == found[1][0] == found[2][0] != found[0][1] != found[1][1])
    True
    """
    if ids.dtype.kind in "ub":
        return _mixed(ids.astype(np.uint64))
    if ids.dtype.kind == "i":
        return _of_whole(ids.astype(np.int64))
    if ids.dtype.kind == "f":
        sizes = np.abs(ids.astype(np.result_type(ids.dtype, np.float64), copy=False))
        whole = (ids == np.floor(ids)) & (sizes < 2.0**53)
        found = np.empty(len(ids), np.uint64)
        found[whole] = _of_whole(ids[whole].astype(np.int64))
        found[~whole] = _of_texts(as_text(ids[~whole]).tolist())
        return found
    return _of_texts([str(one) for one in as_text(ids).tolist()])


def _of_whole(numbers: npt.NDArray[np.int64]) -> Digests:
    mixed = _mixed(np.abs(numbers).astype(np.uint64))  # that of -2^63 is itself, which is 2^63 as one without a sign
    return np.where(numbers < 0, mixed ^ BELOW_0, mixed)


def _of_texts(texts: list[str]) -> Digests:
    """Those of whole numbers that have 8 bytes, and of other texts."""
    numbers = [int(match[1]) if (match := WHOLE.fullmatch(text)) else 2**64 for text in texts]
    sizes = np.array([abs(number) if abs(number) < 2**64 else 0 for number in numbers], np.uint64)
    mixed = _mixed(sizes)
    found = np.where(np.array([number < 0 for number in numbers], np.bool_), mixed ^ BELOW_0, mixed)
    others = [i for i, number in enumerate(numbers) if abs(number) >= 2**64]
    found[others] = [_of_text(texts[i]) for i in others]
    return found


def _of_text(text: str) -> int:
    content = text.encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _mixed(values: Digests) -> Digests:
    """Whole numbers with their bits mixed. Source: Steele, Lea & Flood, OOPSLA 2014 (SplitMix64)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
