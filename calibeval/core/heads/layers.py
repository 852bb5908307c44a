"""Plain linear heads in numpy: the logits of a saved head for features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.halves import widened
from calibeval.core.data.row_source import RowSource

BLOCK_NUMBERS = 2**22  # numbers in a block that is read at once


class PlainLayer(NamedTuple):
    """A linear layer: weight (out, in) and bias (out,)."""

    weight: npt.NDArray[np.floating[Any]]
    bias: npt.NDArray[np.floating[Any]]


def blocks_of(features: RowSource) -> Iterator[npt.NDArray[Any]]:
    """Consecutive rows, about 2^22 numbers at a time."""
    n, d = features.shape
    step = max(1, BLOCK_NUMBERS // d)
    for start in range(0, n, step):
        yield np.asarray(features[start : min(start + step, n)])


def logits_of(layers: Sequence[PlainLayer], features: RowSource) -> npt.NDArray[np.float64]:
    """A head's logits (n, k) for features (n, d), computed in float64; with a ReLU between two layers.

    >>> layer = PlainLayer(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.0, 1.0]))
    >>> logits_of([layer], np.array([[3.0, 4.0]]))
    array([[3., 9.]])
    """
    source = HeadLogits(layers, features)
    return source[0 : features.shape[0]]


class HeadLogits:
    """A head's logits (n, k), which are computed when they are read, block by block; those of the last block are kept.

    They are the same to the last bit however they are read, as blocks are always the same.
    """

    def __init__(self, layers: Sequence[PlainLayer], features: RowSource) -> None:
        self._features = features
        self._layers = [PlainLayer(one.weight.astype(np.float64), one.bias.astype(np.float64)) for one in layers]
        widest = max(features.shape[1], *(len(one.bias) for one in layers))
        self._step = max(1, BLOCK_NUMBERS // widest)
        self._last: tuple[int, npt.NDArray[np.float64]] | None = None
        self.shape: tuple[int, ...] = (features.shape[0], len(self._layers[-1].bias))
        self.dtype: np.dtype[Any] = np.dtype(np.float64)

    def __getitem__(self, rows: slice, /) -> npt.NDArray[np.float64]:
        start, stop, _ = rows.indices(self.shape[0])
        found = np.empty((max(0, stop - start), self.shape[1]))
        for number in range(start // self._step, -(-stop // self._step)):
            first = number * self._step
            own = self._block(number)[max(start - first, 0) : stop - first]
            place = max(first - start, 0)
            found[place : place + len(own)] = own
        return found

    def _block(self, number: int) -> npt.NDArray[np.float64]:
        last = self._last
        if last is not None and last[0] == number:
            return last[1]
        first = number * self._step
        out = widened(np.asarray(self._features[first : min(first + self._step, self.shape[0])])).astype(np.float64)
        for i, layer in enumerate(self._layers):
            out = (np.maximum(out, 0.0) if i else out) @ layer.weight.T + layer.bias
        self._last = number, out
        return out


class ImageLogits:
    """A head's logits of images (n, h, w, k), which are computed when they are read. layout: (n, h, w)."""

    def __init__(self, layers: Sequence[PlainLayer], pixels: RowSource, layout: tuple[int, ...]) -> None:
        self._rows = HeadLogits(layers, pixels)
        self._size = pixels.shape[0] // layout[0]
        self.shape: tuple[int, ...] = (*layout, self._rows.shape[1])
        self.dtype: np.dtype[Any] = self._rows.dtype

    def __getitem__(self, images: slice, /) -> npt.NDArray[np.float64]:
        start, stop, _ = images.indices(self.shape[0])
        return self._rows[start * self._size : max(start, stop) * self._size].reshape(-1, *self.shape[1:])
