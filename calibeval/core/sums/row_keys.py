"""The keys of all rows, put in their places by the threads that read the scores."""

from __future__ import annotations

from threading import Lock

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.equal_mass import CELLS, FEW_ROWS, Pass, RowKeys, first_histogram, from_keys, from_passes
from calibeval.core.sums.equal_weight import from_weighted_keys


class CountedKeys:
    """A histogram of the keys of all n rows.

    read: makes another pass. slack: see `equal_mass_edges`.
    """

    def __init__(self, n: int, read: Pass, slack: float) -> None:
        self._n, self._read, self._slack = n, read, slack
        self._histogram, self._lock = np.zeros(CELLS, np.int64), Lock()

    def room(self, first: int, rows: int) -> RowKeys | None:
        """The array for the keys of `rows` rows from position `first` on; None if keys are not kept."""
        del first, rows
        return None

    def put(self, first: int, keys: RowKeys) -> None:
        """The keys of rows from position `first` on; threads may do this at the same time, in any order."""
        del first
        counts = first_histogram(keys)
        with self._lock:
            self._histogram += counts

    def result(self, bins: int) -> tuple[BinSums, Floats]:
        """Sums and edges of equal-mass bins."""
        return from_passes(self._read, self._n, bins, self._histogram, slack=self._slack)


class KeptKeys:
    """The keys of all n rows in memory, 8 bytes per row. jobs: number of threads. slack: see `equal_mass_edges`."""

    def __init__(self, n: int, jobs: int, slack: float) -> None:
        self._keys, self._jobs, self._slack = np.empty(n, np.uint64), jobs, slack
        self._histogram, self._lock = np.zeros(CELLS if n > FEW_ROWS else 0, np.int64), Lock()

    def room(self, first: int, rows: int) -> RowKeys | None:
        """As of `CountedKeys`; what is written there is still to be put."""
        return self._keys[first : first + rows]

    def put(self, first: int, keys: RowKeys) -> None:
        """As of `CountedKeys`."""
        if keys.base is not self._keys:
            self._keys[first : first + len(keys)] = keys
        if len(self._histogram):
            counts = first_histogram(keys)
            with self._lock:
                self._histogram += counts

    def result(self, bins: int) -> tuple[BinSums, Floats]:
        """Sums and edges of equal-mass bins."""
        return from_keys(self._keys, bins, self._jobs, self._slack, self._histogram)


class WeightedKeys:
    """The keys of all rows in memory, 8 bytes per row. weights: (n,), of these rows. slack: see `equal_mass_edges`."""

    def __init__(self, weights: Floats, slack: float) -> None:
        self._keys, self._weights, self._slack = np.empty(len(weights), np.uint64), weights, slack

    def room(self, first: int, rows: int) -> RowKeys | None:
        """As of `CountedKeys`."""
        return self._keys[first : first + rows]

    def put(self, first: int, keys: RowKeys) -> None:
        """As of `CountedKeys`."""
        if keys.base is not self._keys:
            self._keys[first : first + len(keys)] = keys

    def result(self, bins: int) -> tuple[BinSums, Floats]:
        """Sums and edges of equal-mass bins."""
        return from_weighted_keys(self._keys, self._weights, bins, self._slack)


AllKeys = CountedKeys | KeptKeys | WeightedKeys
