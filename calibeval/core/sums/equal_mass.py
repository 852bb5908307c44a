"""Equal-mass bins: from all confidences if they fit in memory, else from a few more passes over the scores.

Confidences c >= 0 have the same order as the bits of their float64, so an order statistic can be searched digit by
digit: a histogram over intervals of bit patterns shows the interval of each edge, and another pass keeps the rows of
only these intervals; if there are too many, finer histograms come first. The cells of the first histogram are intervals
of equal ratio in 1 - c, because confidences crowd below 1. The edges are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums, bin_index, equal_mass_edges, equal_mass_ranks, sums_by_index
from calibeval.core.sums.key_sums import fused_cut, fused_histogram, regrouped
from calibeval.core.sums.threads import in_order

RowKeys = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.int64]
# A new pass: the results of a function for the keys of each block of rows, in their order. It may be sent by pickle.
Pass = Callable[[Callable[[RowKeys], Any]], Iterator[Any]]

PART = 2**17  # rows at a time: 1 MiB of keys
FEW_ROWS = 2**15  # up to this many rows, sorting is faster than counting
CELL_BITS = 16
COLLECTED = 2**20  # largest number of keys held while searching for edges
ONE = int(np.float64(1.0).view(np.int64))
# Cells of the first histogram: 2**OCTAVE_BITS for each halving of the distance from 1. A distance is counted in steps
# of 2**STEP_BITS bit patterns, so that float64 represents it exactly.
STEP_BITS, OCTAVE_BITS = 10, 8
CELLS = 52 << OCTAVE_BITS


def confidence_keys(confidence: Floats, correct: npt.NDArray[np.bool_]) -> RowKeys:
    """The confidence and correctness of each row in one integer, ordered like the confidence."""
    return (confidence.view(np.uint64) << np.uint64(1)) | correct


def from_keys(
    keys: RowKeys, bins: int, jobs: int = 1, slack: float = 0.0, histogram: Bits | None = None
) -> tuple[BinSums, Floats]:
    """Sums and edges of equal-mass bins from the keys of all rows. jobs: threads; results do not depend on it.

    slack: see `equal_mass_edges`. histogram: `first_histogram` of all rows, if it is known and they are not few.
    Raises: InputError if there are no rows.

    >>> keys = confidence_keys(np.array([0.5, 0.6, 0.7, 0.8]), np.array([True, False, True, True]))
    >>> sums, edges = from_keys(keys, bins=2)
    >>> edges.tolist(), sums.count.tolist(), sums.y.tolist()
    ([0.0, 0.6, 1.0], [2.0, 2.0], [1.0, 2.0])
    """
    if not len(keys):
        raise InputError("there are no rows to bin")
    if len(keys) <= FEW_ROWS:
        ordered = np.sort(keys)
        edges = equal_mass_edges(_confidences(ordered[equal_mass_ranks(len(keys), bins)]), slack)
        return _binned(ordered, edges), edges

    def read(work: Callable[[RowKeys], Any]) -> Iterator[Any]:
        return in_order(work, (keys[start : start + PART] for start in range(0, len(keys), PART)), jobs)

    if histogram is None:
        histogram = np.zeros(CELLS, np.int64)
        for counts in read(first_histogram):
            histogram += counts
    return from_passes(read, len(keys), bins, histogram, slack)


def from_passes(read: Pass, n: int, bins: int, histogram: Bits, slack: float = 0.0) -> tuple[BinSums, Floats]:
    """Sums and edges of equal-mass bins from a few passes over the keys of n rows.

    histogram: `first_histogram` of all rows.
    """
    intervals = _located(histogram, cell_starts().tolist(), 0, equal_mass_ranks(n, bins).tolist())
    while sum(interval.rows for interval in intervals if interval.width > 1) > COLLECTED:
        finer = [Histogram(interval) for interval in intervals]
        for keys in read(partial(_within, intervals)):
            bits = bits_of(keys)
            for part in finer:
                part.add(bits)
        intervals = [found for part, interval in zip(finer, intervals, strict=True) for found in part.narrow(interval)]
    return _final_pass(read, intervals, slack)


class BitRange(NamedTuple):
    """Bit patterns from low to below high, the numbers of rows below and in this range, and the ranks sought in it."""

    low: int
    high: int
    below: int
    rows: int
    ranks: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of bit patterns; 1 means that all rows of the interval are equal."""
        return self.high - self.low


def first_histogram(keys: RowKeys) -> Bits:
    """The number of rows in each cell, for all confidences; histograms of parts of the rows add up."""
    counted = fused_histogram(keys, CELLS)
    return np.bincount(cells_of(bits_of(keys)), minlength=CELLS) if counted is None else counted


class Histogram:
    """The number of rows in each cell of an interval; cells have equal numbers of bit patterns."""

    def __init__(self, interval: BitRange) -> None:
        self._low, self._high = interval.low, interval.high
        self._shift = max((interval.width - 1).bit_length() - CELL_BITS, 0)
        self._counts = np.zeros(((interval.width - 1) >> self._shift) + 1, np.int64)

    def add(self, bits: Bits) -> None:
        """Count the rows that lie in the interval."""
        inside = bits[(bits >= self._low) & (bits < self._high)]
        self._counts += np.bincount((inside - self._low) >> self._shift, minlength=len(self._counts))

    def narrow(self, interval: BitRange) -> list[BitRange]:
        """The cells with the rows that are sought in the interval of this histogram."""
        starts = [*range(self._low, self._high, 1 << self._shift), self._high]
        return _located(self._counts, starts, interval.below, list(interval.ranks))


def _located(counts: Bits, starts: list[int], below: int, ranks: list[int]) -> list[BitRange]:
    """The cells with the rows of these ranks. starts: of the cells, and the last end; below: number of rows below."""
    ends = below + np.cumsum(counts)
    found: dict[int, list[int]] = {}
    for rank in ranks:
        found.setdefault(int(np.searchsorted(ends, rank, side="right")), []).append(rank)
    return [
        BitRange(starts[cell], starts[cell + 1], int(ends[cell] - counts[cell]), int(counts[cell]), tuple(sought))
        for cell, sought in found.items()
    ]


def cells_of(bits: Bits, octave_bits: int = OCTAVE_BITS) -> npt.NDArray[np.int64]:
    """The cell of each row, ascending with the confidence; by default those of the first histogram."""
    distance = ONE + (1 << STEP_BITS) - bits
    distance >>= STEP_BITS
    cell = distance.astype(np.float64).view(np.int64)
    cell >>= 52 - octave_bits
    return np.subtract(((52 + 1023) << octave_bits) - 1, cell, out=cell)


def cell_starts(octave_bits: int = OCTAVE_BITS) -> npt.NDArray[np.int64]:
    """The lowest bit pattern of each cell, and the first one above 1."""
    from_one = np.arange(52 << octave_bits, -1, -1, dtype=np.int64) + (1023 << octave_bits)
    nearest = np.ceil((from_one << (52 - octave_bits)).view(np.float64)).astype(np.int64)
    return np.asarray(np.maximum(ONE + 1 + ((1 - nearest) << STEP_BITS), 0), np.int64)


def _within(intervals: list[BitRange], keys: RowKeys) -> RowKeys:
    """The keys that lie in an interval."""
    bits = bits_of(keys)
    return keys[np.any([(bits >= one.low) & (bits < one.high) for one in intervals], axis=0)]


def _final_pass(read: Pass, intervals: list[BitRange], slack: float) -> tuple[BinSums, Floats]:
    """Edges from the rows in the intervals, and sums of all other rows, which lie between two edges.

    The rows within the slack above an interval are kept, too, as they may tie with an edge in it.
    """
    lows, ends = [one.low for one in intervals], [_raised(one.high, slack) for one in intervals]
    cuts = np.unique(np.array([*lows, *(interval.high for interval in intervals), *ends], np.int64))
    wide = _kept_segments(cuts, intervals, ends)
    segments: BinSums | None = None
    kept: list[RowKeys] = []
    for found, sums in read(partial(_cut, _Segments(cuts), wide)):
        kept.append(found)
        segments = sums if segments is None else segments + sums
    if segments is None:
        raise InputError("there are no rows to bin")
    collected = np.concatenate(kept)
    below = np.concatenate(([0], np.cumsum(np.where(wide, segments.count, 0.0)))).astype(np.int64)
    first = below[np.searchsorted(cuts, lows, side="right")].tolist()
    edges = equal_mass_edges(_order_statistics(intervals, first, collected), slack)
    m = len(edges) - 1
    starts = np.concatenate(([0], cuts)).view(np.float64)  # a segment has no edge except its start, unless it is wide
    return _binned(collected, edges) + regrouped(segments, bin_index(np.minimum(starts, 1.0), edges), ~wide, m), edges


def _cut(segment_of: _Segments, wide: npt.NDArray[np.bool_], keys: RowKeys) -> tuple[RowKeys, BinSums]:
    """The keys in wide segments, and the sums of all segments."""
    fused = fused_cut(keys, segment_of.of_cell, segment_of.cuts, wide)
    if fused is not None:
        return fused
    segment = segment_of(bits_of(keys))
    sums = sums_by_index(segment, len(wide), _confidences(keys), _correct(keys))
    return keys.take(np.flatnonzero(wide.take(segment))), sums


class _Segments:
    """Finds the segment of each bit pattern: 0 below the first cut, 1 from the first cut on, and so on."""

    def __init__(self, cuts: npt.NDArray[np.int64]) -> None:
        self.cuts = cuts
        starts = cell_starts()
        first, last = (np.searchsorted(cuts, ends, side="right") for ends in (starts[:-1], starts[1:] - 1))
        self.of_cell = np.where(first == last, first, -1)

    def __call__(self, bits: Bits) -> npt.NDArray[np.intp]:
        """The segments, looked up by cell; only rows in cells with a cut are compared with the cuts."""
        segment = self.of_cell.take(cells_of(bits))
        cut = np.flatnonzero(segment < 0)
        segment[cut] = np.searchsorted(self.cuts, bits.take(cut), side="right")
        return segment


def _raised(high: int, slack: float) -> int:
    """The first bit pattern beyond those below high and their slack."""
    return max(high, int((np.int64(high - 1).view(np.float64) + slack).view(np.int64)) + 1)


def _kept_segments(cuts: Bits, intervals: list[BitRange], ends: list[int]) -> npt.NDArray[np.bool_]:
    """Whether the rows of each segment are kept: from a wide interval's start to its end, without single values."""
    depth = np.zeros(len(cuts) + 1, np.int64)
    for interval, end in zip(intervals, ends, strict=True):
        if interval.width > 1:
            depth[np.searchsorted(cuts, (interval.low, end)) + 1] += (1, -1)
    single = [interval.low for interval in intervals if interval.width == 1]
    return (np.cumsum(depth) > 0) & ~np.isin(np.concatenate(([-1], cuts)), single)


def _order_statistics(intervals: list[BitRange], first: list[int], collected: RowKeys) -> Floats:
    """The confidences at the ranks.

    first: the number of collected rows below each interval. collected: the rows that were kept; it is reordered.
    """
    places = [
        start + rank - interval.below
        for interval, start in zip(intervals, first, strict=True)
        if interval.width > 1
        for rank in interval.ranks
    ]
    at = np.array(places, np.intp)
    collected.partition(at)
    ties = np.array([interval.low for interval in intervals if interval.width == 1 for _ in interval.ranks], np.int64)
    return np.sort(np.concatenate([bits_of(collected[at]), ties])).view(np.float64)


def _binned(keys: RowKeys, edges: Floats) -> BinSums:
    p = _confidences(keys)
    return sums_by_index(bin_index(p, edges), len(edges) - 1, p, _correct(keys))


def bits_of(keys: RowKeys) -> Bits:
    """The confidence of each row as the bits of its float64."""
    return (keys >> np.uint64(1)).view(np.int64)


def _confidences(keys: RowKeys) -> Floats:
    return (keys >> np.uint64(1)).view(np.float64)


def _correct(keys: RowKeys) -> npt.NDArray[np.bool_]:
    return (keys & np.uint64(1)).astype(bool)
