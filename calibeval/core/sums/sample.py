"""Rows that are kept while the scores are read once, for fits that need several passes: all, or an even sample.

Whether a row is chosen depends only on its position and on the numbers of rows and classes, not on blocks or threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.predictions import Block
from calibeval.core.data.row_source import Kind
from calibeval.core.sums import kernel
from calibeval.core.sums.lines import Scores, quiet_lines, row_maxima

SAMPLE_SCORES, SAMPLE_ROWS = 2**20, 10_020  # a sample has one of both at least, if that many are there
MOST_SCORES = 2**25  # with thousands of classes, this limits the memory: fewer rows are kept
# Fibonacci hashing: multiples of 2^32 / golden ratio, modulo 2^32, fill every range evenly, without a period.
# Source: Knuth, The Art of Computer Programming, vol. 3, section 6.4.
HASH, HASHES = 2654435769, 2**32
PIECE_SCORES = 2**18
FEW_CLASSES = 16


class Piece(NamedTuple):
    """Some rows of a sample: d, the log-scores minus the largest of their row, and t (b,), the label's d.

    d is (k, b) with the classes on axis 0, or (b, k) with the classes on axis 1.
    """

    d: Floats
    t: Floats
    axis: int


class Sample(NamedTuple):
    """Chosen rows: their stored scores (m, k), labels (m,), and positions (m,) among the rows that are not ignored.

    weights: (m,), of the rows; None if all count the same.
    """

    scores: Scores
    labels: npt.NDArray[np.integer[Any]]
    places: Indices
    weights: Floats | None = None

    @classmethod
    def of_block(cls, block: Block, first: int, n: int) -> Sample:
        """The chosen rows of a block. first: the position of its first row; n: the number of all rows."""
        k = block.scores.shape[1]
        places = chosen(first, len(block.labels), n, sample_size(n, k))
        own = places - first
        weights = None if block.weights is None else block.weights[own]
        return cls(block.scores[own], block.labels[own], places, weights)

    def of(self, n: int, size: int) -> Sample:
        """The rows that are chosen, if about `size` of n rows are; those of a larger choice, or of fewer rows."""
        if size >= n:
            return self
        kept = np.flatnonzero(_in_choice(self.places, n, size))
        weights = None if self.weights is None else self.weights[kept]
        return Sample(self.scores[kept], self.labels[kept], self.places[kept], weights)

    def every(self, step: int, first: int = 0) -> Sample:
        """Every step-th of the rows, from the first on."""
        weights = None if self.weights is None else self.weights[first::step]
        return Sample(self.scores[first::step], self.labels[first::step], self.places[first::step], weights)

    def at(self, rows: Indices) -> Sample:
        """The rows at these positions in the sample."""
        weights = None if self.weights is None else self.weights[rows]
        return Sample(self.scores[rows], self.labels[rows], self.places[rows], weights)

    def pieces(self, kind: Kind) -> Iterator[Piece]:
        """All rows, in pieces that fit a cache. Values are known to suit the kind."""
        m, k = self.scores.shape
        axis, step = (0 if k <= FEW_CLASSES else 1), max(1, PIECE_SCORES // k)
        for start in range(0, m, step):
            stored, labels = self.scores[start : start + step], self.labels[start : start + step]
            d = np.array(stored.T if axis == 0 else stored, np.float64, order="C")
            with quiet_lines():
                if kind == "probs":
                    np.log(np.maximum(d, 0.0, out=d), out=d)
                d -= np.expand_dims(row_maxima(d, axis), axis)
            rows = np.arange(len(labels))
            yield Piece(d, d[labels, rows] if axis == 0 else d[rows, labels], axis)


def thinned(parts: Sequence[Sample], step: int) -> list[Sample]:
    """Every step-th of the rows of all parts: the same ones, however the rows are divided.

    >>> whole = Sample(np.zeros((7, 2)), np.zeros(7, int), np.arange(7))
    >>> [part.places.tolist() for part in thinned([whole.at(np.arange(3)), whole.at(np.arange(3, 7))], 2)]
    [[0, 2], [4, 6]]
    """
    found, before = [], 0
    for part in parts:
        found.append(part.every(step, -before % step))
        before += len(part.labels)
    return found


def sample_size(n: int, k: int) -> int:
    """About how many of n rows with k classes are chosen: as many as hold 2^20 scores, and at least 10,000.

    >>> sample_size(5_000_000, 10), sample_size(5_000_000, 1000), sample_size(500, 1000)
    (104857, 10020, 500)
    """
    return min(n, max(1, SAMPLE_SCORES // k, min(SAMPLE_ROWS, MOST_SCORES // k)))


def chosen(first: int, rows: int, n: int, size: int) -> Indices:
    """The chosen positions among `rows` rows from position `first` on, if about `size` of n rows are chosen in all.

    >>> chosen(0, 10, 10, 10).tolist(), chosen(4, 6, 10, 3).tolist()
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [5])
    """
    if size >= n:
        return np.arange(first, first + rows, dtype=np.intp)
    compiled = kernel.chosen()
    if compiled is not None:
        places = np.empty(rows, np.int64)
        found = compiled.module.chosen(first % HASHES, size * HASHES // n, places)
        return np.asarray(places[:found] + first, np.intp)
    low = np.arange(rows, dtype=np.uint32) + np.uint32(first % HASHES)  # modulo HASHES
    return np.flatnonzero(_are_low(low, n, size)) + first


def _in_choice(places: Indices, n: int, size: int) -> npt.NDArray[np.bool_]:
    """Whether rows at these positions are chosen; of more rows, or for a smaller size, fewer of the same are."""
    return _are_low(places.astype(np.uint32), n, size)


def _are_low(places: npt.NDArray[np.uint32], n: int, size: int) -> npt.NDArray[np.bool_]:
    """Whether the hashes of these positions, modulo HASHES, are in the lowest size / n of all."""
    places *= np.uint32(HASH)
    return np.asarray(places < np.uint32(size * HASHES // n))
