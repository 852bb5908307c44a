"""Equal-mass bins: from all confidences where they fit in memory, else from a few more passes over the scores.

A confidence c >= 0 is ordered like the bits of its float64, so an order statistic can be searched digit by digit: a
histogram over intervals of bit patterns tells in which interval each edge lies, and a further pass keeps the rows of
just these intervals. Both ways find the same edges, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.core.metrics.binning import (
    BinSums,
    Floats,
    bin_index,
    equal_mass_edges,
    equal_mass_ranks,
    sums_by_index,
)

Keys = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.int64]

PART = 2**16
CELL_BITS = 16
COLLECTED = 2**20  # keys held at most while edges are searched
TOP = int(np.float64(1.0).view(np.int64)) + 1


def confidence_keys(confidence: Floats, correct: npt.NDArray[np.bool_]) -> Keys:
    """A row's confidence and correctness in one integer, ordered like the confidence."""
    return (confidence.view(np.uint64) << np.uint64(1)) | correct


class KeptKeys:
    """The keys of all rows in memory: eight bytes a row."""

    def __init__(self, n: int) -> None:
        self._keys = np.empty(n, np.uint64)
        self._filled = 0

    def add(self, keys: Keys) -> None:
        """The keys of the next rows."""
        self._keys[self._filled : self._filled + len(keys)] = keys
        self._filled += len(keys)

    def result(self, bins: int) -> tuple[BinSums, Floats]:
        """Sums and edges of equal-mass bins."""
        return from_keys(self._keys, bins)


class CountedKeys:
    """A histogram of all rows' keys; read starts another pass, which yields the keys of consecutive rows again."""

    def __init__(self, n: int, read: Callable[[], Iterator[Keys]]) -> None:
        self._n, self._read = n, read
        self._histogram = Histogram.of_confidences()

    def add(self, keys: Keys) -> None:
        """The keys of the next rows."""
        self._histogram.add((keys >> np.uint64(1)).view(np.int64))

    def result(self, bins: int) -> tuple[BinSums, Floats]:
        """Sums and edges of equal-mass bins."""
        return from_passes(self._read, self._n, bins, self._histogram)


def from_keys(keys: Keys, bins: int) -> tuple[BinSums, Floats]:
    """Sums and edges of equal-mass bins from the keys of all rows, which are reordered.

    >>> keys = confidence_keys(np.array([0.5, 0.6, 0.7, 0.8]), np.array([True, False, True, True]))
    >>> sums, edges = from_keys(keys, bins=2)
    >>> edges.tolist(), sums.count.tolist(), sums.y.tolist()
    ([0.0, 0.6, 1.0], [2.0, 2.0], [1.0, 2.0])
    """
    ranks = equal_mass_ranks(len(keys), bins)
    keys.partition(ranks)
    edges = equal_mass_edges(_confidences(keys[ranks]))
    total: BinSums | None = None
    # From one rank to the next lie the rows of one bin, and perhaps some that tie with its lower edge.
    stops = [*(ranks + 1).tolist(), len(keys)]
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        upper = int(bin_index(_confidences(keys[stop - 1 : stop]), edges)[0]) if stop < len(keys) else len(edges) - 2
        for part in range(start, stop, PART):
            piece = keys[part : min(part + PART, stop)]
            p = _confidences(piece)
            index = upper - (p <= edges[upper])
            sums = sums_by_index(np.maximum(index, 0), len(edges) - 1, p, _correct(piece))
            total = sums if total is None else total + sums
    if total is None:
        raise InputError("there are no rows to bin")
    return total, edges


def from_passes(read: Callable[[], Iterator[Keys]], n: int, bins: int, histogram: Histogram) -> tuple[BinSums, Floats]:
    """Sums and edges of equal-mass bins without holding a key for each row.

    read: starts a pass over the scores and yields the keys of consecutive rows. n: number of rows.
    histogram: of all rows, from the first pass.
    """
    ranks = equal_mass_ranks(n, bins)
    intervals = histogram.locate(ranks)
    while sum(interval.rows for interval in intervals if interval.width > 1) > COLLECTED:
        finer = [Histogram.over(interval) for interval in intervals]
        for keys in read():
            bits = (keys >> np.uint64(1)).view(np.int64)
            for part in finer:
                part.add(bits)
        intervals = [found for part, interval in zip(finer, intervals, strict=True) for found in part.narrow(interval)]
    return _final_pass(read, intervals)


class Interval(NamedTuple):
    """Bit patterns from low to below high: so many rows lie below it, and so many in it; ranks are sought in it."""

    low: int
    high: int
    below: int
    rows: int
    ranks: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of bit patterns; 1 means that all rows of the interval tie."""
        return self.high - self.low


class Histogram:
    """Numbers of rows by cell of bit patterns, from low to below high."""

    def __init__(self, low: int, high: int, *, open_below: bool = False) -> None:
        self._low, self._high, self._open_below = low, high, open_below
        self._shift = max((high - low - 1).bit_length() - CELL_BITS, 0)
        self._counts = np.zeros(((high - low - 1) >> self._shift) + 1, np.int64)

    @classmethod
    def of_confidences(cls) -> Histogram:
        """For all confidences; those below 1/1024 share the first cell."""
        return cls(int(np.float64(2.0**-10).view(np.int64)), TOP, open_below=True)

    @classmethod
    def over(cls, interval: Interval) -> Histogram:
        """For the rows of one interval."""
        return cls(interval.low, interval.high)

    def add(self, bits: Bits) -> None:
        """Count those of the rows that lie between low and high."""
        inside = np.maximum(bits, self._low) if self._open_below else bits[(bits >= self._low) & (bits < self._high)]
        cells = (inside - self._low) >> self._shift
        self._counts += np.bincount(cells, minlength=len(self._counts))

    def locate(self, ranks: npt.NDArray[np.int64]) -> list[Interval]:
        """The cells that hold the rows of these ranks, of all rows."""
        return self.narrow(Interval(self._low, self._high, 0, int(self._counts.sum()), tuple(ranks.tolist())))

    def narrow(self, interval: Interval) -> list[Interval]:
        """The cells that hold the rows sought in the interval that this histogram is over."""
        ends = interval.below + np.cumsum(self._counts)
        found: dict[int, list[int]] = {}
        for rank in interval.ranks:
            found.setdefault(int(np.searchsorted(ends, rank, side="right")), []).append(rank)
        return [
            Interval(
                low=0 if self._open_below and cell == 0 else self._low + (cell << self._shift),
                high=min(self._low + ((cell + 1) << self._shift), self._high),
                below=int(ends[cell] - self._counts[cell]),
                rows=int(self._counts[cell]),
                ranks=tuple(sought),
            )
            for cell, sought in found.items()
        ]


def _final_pass(read: Callable[[], Iterator[Keys]], intervals: list[Interval]) -> tuple[BinSums, Floats]:
    """Edges from the rows of the intervals, and sums of all others, which lie between two edges each."""
    cuts = np.unique(np.array([cut for interval in intervals for cut in (interval.low, interval.high)], np.int64))
    wide = np.isin(cuts, [interval.low for interval in intervals if interval.width > 1])
    segments: BinSums | None = None
    kept: list[Keys] = []
    for keys in read():
        segment = np.searchsorted(cuts, (keys >> np.uint64(1)).view(np.int64), side="right")
        collect = np.concatenate(([False], wide))[segment]
        kept.append(keys[collect])
        rest = keys[~collect]
        sums = sums_by_index(segment[~collect], len(cuts) + 1, _confidences(rest), _correct(rest))
        segments = sums if segments is None else segments + sums
    if segments is None:
        raise InputError("there are no rows to bin")
    collected = np.sort(np.concatenate(kept))
    edges = equal_mass_edges(np.sort(_order_statistics(intervals, collected)))
    m = len(edges) - 1
    starts = np.concatenate(([0], cuts)).view(np.float64)  # segment s starts at cut s - 1, and holds no edge but that
    p = _confidences(collected)
    own = sums_by_index(bin_index(p, edges), m, p, _correct(collected))
    return own + _regrouped(segments, bin_index(np.minimum(starts, 1.0), edges), m), edges


def _order_statistics(intervals: list[Interval], collected: Keys) -> Floats:
    """The confidences at the sought ranks; collected holds, ascending, the rows of all intervals but ties."""
    values = []
    bits = (collected >> np.uint64(1)).view(np.int64)
    for interval in intervals:
        if interval.width == 1:
            values += [interval.low] * len(interval.ranks)
            continue
        first = int(np.searchsorted(bits, interval.low, side="left"))
        values += [int(bits[first + rank - interval.below]) for rank in interval.ranks]
    return np.array(values, np.int64).view(np.float64)


def _regrouped(sums: BinSums, bins: npt.NDArray[np.intp], m: int) -> BinSums:
    """Sums by segment added up by the bin that each segment lies in."""
    return BinSums(
        *(
            np.asarray(np.bincount(bins, weights=column, minlength=m), np.float64)
            for column in (sums.count, sums.p, sums.pp, sums.y, sums.yp)
        )
    )


def _confidences(keys: Keys) -> Floats:
    return (keys >> np.uint64(1)).view(np.float64)


def _correct(keys: Keys) -> npt.NDArray[np.bool_]:
    return (keys & np.uint64(1)).astype(bool)
