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
    wide = [PlainLayer(layer.weight.astype(np.float64), layer.bias.astype(np.float64)) for layer in layers]
    parts = []
    for block in blocks_of(features):
        out = widened(block).astype(np.float64)
        for i, layer in enumerate(wide):
            out = (np.maximum(out, 0.0) if i else out) @ layer.weight.T + layer.bias
        parts.append(out)
    return np.concatenate(parts)
