"""Class-wise sums in bins of equally many rows, whose edges are values of that class's probability, as for `aece`.

Up to 2^22 scores, all probabilities are kept and sorted, and edges are exact. With more, they are counted in narrow
cells, which edges do not cut: intervals of equal ratio in min(p, 1 - p), 256 for each halving of it, or fewer with many
classes. Sums of p are exact in both.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.notices import NotComputable
from calibeval.core.sums.binning import BinSums, equal_mass_edges, equal_mass_ranks
from calibeval.core.sums.equal_mass import confidence_keys
from calibeval.core.sums.equal_weight import ROUNDING, from_weighted_keys
from calibeval.core.sums.lines import few_places

SORTED_SCORES = 2**22
MOST_CELLS, MOST_BITS, LEAST_BITS = 2**20, 8, 2
HALVINGS = 46  # what is nearer to 0 or 1 than 2**-46 shares a cell
_MANTISSA, _BIAS = 52, 1023


class SortedClasses:
    """The probabilities of all rows and classes, (k, n), 8 bytes each. slack: see `equal_mass_edges`."""

    def __init__(self, k: int, n: int, slack: float, *, weighted: bool) -> None:
        self._p, self._labels, self._slack = np.empty((k, n)), np.empty(n, np.intp), slack
        self._weights = np.empty(n) if weighted else None
        self._filled = 0

    def add(self, p: Floats, labels: npt.NDArray[np.intp], weights: Floats | None) -> None:
        """Further rows. p: (k, b)."""
        here = slice(self._filled, self._filled + len(labels))
        self._p[:, here], self._labels[here] = p, labels
        if self._weights is not None:
            self._weights[here] = 1.0 if weights is None else weights
        self._filled = here.stop

    def result(self, bins: int) -> BinSums:
        """The sums, (k, bins); where equal edges are merged, the last bins are empty."""
        n = self._filled
        found = []
        for label, row in enumerate(self._p):
            keys = confidence_keys(row[:n] + 0.0, self._labels[:n] == label)
            if self._weights is None:
                found.append(_of_sorted(np.sort(keys), bins, self._slack))
            else:
                found.append(from_weighted_keys(keys, self._weights[:n], bins, self._slack)[0])
        return _stacked(found, bins)


class CountedClasses:
    """The number of rows, labels, and sums of p by class and cell; with weights, also of their squares."""

    def __init__(self, k: int, *, weighted: bool) -> None:
        self._k, self._bits = k, cell_bits(k)
        self._half = (HALVINGS - 1 << self._bits) + 1
        size = 2 * self._half * k
        self._powers = (1, 2) if weighted else (0,)  # of the weights in the sums
        self._sums = {power: np.zeros((4, size)) for power in self._powers}
        self._rows = np.zeros(size) if weighted else None

    def add(self, p: Floats, labels: npt.NDArray[np.intp], weights: Floats | None) -> None:
        """Further rows. p: (k, b)."""
        b, size = len(labels), 2 * self._half * self._k
        cells = self._cells(p)
        cells += np.arange(0, size, 2 * self._half)[:, None]
        flat, values = cells.ravel(), p.ravel()
        at_label = labels * b + np.arange(b)
        of_label, own = flat.take(at_label), values.take(at_label)
        for power in self._powers:
            count, total, y, yp = self._sums[power]
            w = None if weights is None else weights**power
            every = None if w is None else np.tile(w, self._k)
            count += np.bincount(flat, every, size)
            total += np.bincount(flat, values if every is None else values * every, size)
            np.add.at(y, of_label, 1.0 if w is None else w)
            np.add.at(yp, of_label, own if w is None else own * w)
        if self._rows is not None:
            self._rows += np.bincount(flat, minlength=size)

    def result(self, bins: int) -> BinSums:
        """As for `SortedClasses`."""
        first, *squared = (self._sums[power].reshape(4, self._k, -1) for power in self._powers)
        rows = None if self._rows is None else self._rows.reshape(self._k, -1)
        found = []
        for label in range(self._k):
            there = np.flatnonzero(first[0, label])
            starts = _cell_starts(first[0, label, there], bins, weighted=bool(squared))
            own = _of_cells(first[:, label, there], starts)
            if rows is not None:
                (more,) = squared
                squares = _of_cells(more[:, label, there], starts)
                counted = np.add.reduceat(rows[label, there], starts)
                own = BinSums(own.count, own.p, own.pp, own.y, own.yp, squared=squares, rows=counted)
            found.append(own)
        return _stacked(found, bins)

    def _cells(self, p: Floats) -> Indices:
        """The cells of p, of the same shape; larger probabilities are never in lower cells."""
        cells = self._from_end(p)
        high = few_places((p, 0.5))
        cells.ravel()[high] = 2 * self._half - 1 - self._from_end(1.0 - p.ravel().take(high))
        return cells

    def _from_end(self, near: Floats) -> Indices:
        """The cells of probabilities up to 1/2."""
        cells = near.view(np.int64) >> (_MANTISSA - self._bits)
        cells -= (_BIAS - HALVINGS) << self._bits
        return np.asarray(np.maximum(cells, 0, out=cells), np.intp)


def cell_bits(k: int) -> int:
    """The logarithm to base 2 of the number of cells for each halving. Raises: NotComputable for too many classes.

    >>> cell_bits(10), cell_bits(1000)
    (8, 3)
    """
    for bits in range(MOST_BITS, LEAST_BITS - 1, -1):
        if 2 * (HALVINGS << bits) * k <= MOST_CELLS:
            return bits
    text = f"bins of equally many rows of {k:,} classes take too much memory for more than {SORTED_SCORES:,} scores"
    raise NotComputable("too_many_cells", text)


def class_mass(k: int, n: int, slack: float, *, weighted: bool) -> SortedClasses | CountedClasses:
    """What adds up n rows of k classes. Raises: NotComputable for too many scores of too many classes."""
    if n * k <= SORTED_SCORES:
        return SortedClasses(k, n, slack, weighted=weighted)
    return CountedClasses(k, weighted=weighted)


def _of_sorted(keys: npt.NDArray[np.uint64], bins: int, slack: float) -> BinSums:
    """The sums of one class, (m,), from sorted keys."""
    p = (keys >> np.uint64(1)).view(np.float64)
    y = (keys & np.uint64(1)).astype(np.float64)
    edges = equal_mass_edges(p[equal_mass_ranks(len(p), bins)], slack)
    cuts = np.searchsorted(p, edges[1:-1], side="right")
    starts = np.unique(np.concatenate(([0], cuts[cuts < len(p)])))
    count = np.diff(np.append(starts, len(p))).astype(np.float64)
    return BinSums(count, *(np.add.reduceat(part, starts) for part in (p, p * p, y, y * p)))


def _cell_starts(count: Floats, bins: int, *, weighted: bool) -> Indices:
    """The first cell of each bin: it ends with the cell in which its share of the rows is reached."""
    reached = np.cumsum(count)
    if weighted:
        wanted = (np.arange(1, bins) / bins - ROUNDING) * reached[-1]
    else:
        wanted = equal_mass_ranks(int(reached[-1]), bins) + 1.0
    ends = np.searchsorted(reached, wanted) + 1
    return np.unique(np.concatenate(([0], ends[ends < len(count)])))


def _of_cells(cells: Floats, starts: Indices) -> BinSums:
    """The sums of one class, (m,), from count, p, y and yp of its filled cells, (4, c); squares are of cell means."""
    count, p, y, yp = cells
    squares = p * (p / count)
    return BinSums(*(np.add.reduceat(part, starts) for part in (count, p, squares, y, yp)))


def _stacked(classes: list[BinSums], bins: int) -> BinSums:
    """The sums of all classes, (k, bins), with empty bins at the end."""

    def joined(parts: list[Floats]) -> Floats:
        out = np.zeros((len(parts), bins))
        for row, own in zip(out, parts, strict=True):
            row[: len(own)] = own
        return out

    def of(every: list[BinSums]) -> BinSums:
        squared = [one.squared for one in every if one.squared is not None]
        rows = [one.rows for one in every if one.rows is not None]
        return BinSums(
            *(joined([getattr(one, name) for one in every]) for name in ("count", "p", "pp", "y", "yp")),
            squared=of(squared) if squared else None,
            rows=joined(rows) if rows else None,
        )

    return of(classes)
