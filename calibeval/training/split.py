"""Features for training: on the device if they fit, else fetched batch by batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibeval.core.data.arrays import Floats
from calibeval.core.data.picked_rows import rows_at
from calibeval.core.data.row_source import RowSource
from calibeval.core.heads.layers import BLOCK_NUMBERS, blocks_of
from calibeval.training.spec import LossSpec

AS_STORED = tuple(map(np.dtype, (np.float16, np.float32, np.float64, np.int8, np.uint8)))  # types that are sent so
FLOATS = {torch.float32: np.float32, torch.float64: np.float64}
CACHED_NUMBERS = 2**16  # are standardised at a time on a CPU, whose cache holds them


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """The mean that is subtracted from features and the scale that divides them: (d,) each, float64."""

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]


def standard_of(features: RowSource, weights: Floats | None = None) -> Standard:
    """Mean and standard deviation of each feature, in one pass; the scale of a constant feature is 1.

    weights: (n,), of the rows, with a mean of 1; None: all 1.
    """
    n, d = features.shape
    total, squares = np.zeros(d), np.zeros(d)
    origin, start = np.asarray(features[0:1], np.float64)[0], 0
    wide = torch.empty((min(n, max(1, BLOCK_NUMBERS // d)), d), dtype=torch.float64)
    for block in blocks_of(features):
        shifted = wide[: len(block)].copy_(_tensor(block)).numpy()
        shifted -= origin
        if weights is None:
            total += shifted.sum(axis=0)
            squares += np.einsum("ij,ij->j", shifted, shifted)
        else:
            part = weights[start : start + len(block)]
            total += part @ shifted
            squares += np.einsum("i,ij,ij->j", part, shifted, shifted)
        start += len(block)
    mean = total / n
    spread = np.sqrt(np.maximum(squares / n - mean * mean, 0.0))
    return Standard(mean + origin, np.where(spread > 1e-7 * (np.abs(mean) + np.abs(origin)), spread, 1.0))


def no_standard(d: int) -> Standard:
    """A mean of 0 and a scale of 1: the features stay as they are."""
    return Standard(np.zeros(d), np.ones(d))


class Batch(NamedTuple):
    """Some rows: features (b, d), labels (b,) or soft labels (b, k), and weights (b,), None if all are 1.

    images: the numbers of rows of whole images, one after the other; None if rows are no such images.
    """

    x: Tensor
    labels: Tensor
    weights: Tensor | None
    images: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Standardised features and labels of n rows.

    n: number of rows. labels: (n,), or soft labels (n, k) of a floating type, on the device. fetch: returns the
    features of the rows with the given numbers; span: those of the rows from start to stop; both on the device, in the
    type of the training. local: whether fetch takes row numbers on the device, where the features are, or on the CPU.
    weights: (n,), on the device, with a mean of 1; None: all 1. images: the numbers of rows of consecutive images; None
    if rows are no pixels. run: how many images fetch reads at once.
    """

    n: int
    labels: Tensor
    fetch: Callable[[Tensor], Tensor]
    span: Callable[[int, int], Tensor]
    local: bool
    weights: Tensor | None = None
    images: tuple[int, ...] | None = None
    run: int = 0

    def order(self, rng: np.random.Generator, *, whole: bool) -> Tensor:
        """The units of an epoch in random order. Pixels on disk are shuffled within runs of images, and runs as such.

        whole: whether the units are images.
        """
        if whole or self.images is None or self.local or not self.run:
            return torch.from_numpy(rng.permutation(self.units(whole=whole)))
        stops = np.cumsum([0, *self.images])[:: self.run].tolist()
        stops = stops if stops[-1] == self.n else [*stops, self.n]
        spans = [*itertools.pairwise(stops)]
        parts = [rng.permutation(np.arange(*spans[i])) for i in rng.permutation(len(spans)).tolist()]
        return torch.from_numpy(np.concatenate(parts))

    def whole(self, losses: Sequence[LossSpec]) -> bool:
        """Whether images must stay whole in the batches of these losses."""
        return self.images is not None and any(loss.entry.imagewise for loss in losses)

    def units(self, *, whole: bool) -> int:
        """How many units batches consist of: images with any row if they stay whole, else rows."""
        return self.n if not whole else sum(rows > 0 for rows in self.images or ())

    def image_batches(self, order: Tensor | None, size: int) -> Iterator[Batch]:
        """Batches of whole images that have any row, in the given order or in that of the file."""
        stops = np.cumsum([0, *(self.images or ())]).tolist()
        spans = [(a, b) for a, b in itertools.pairwise(stops) if a < b]
        spans = spans if order is None else [spans[i] for i in order.tolist()]
        for start in range(0, len(spans), size):
            own = spans[start : start + size]
            x, labels = torch.cat([self.span(a, b) for a, b in own]), torch.cat([self.labels[a:b] for a, b in own])
            weights = None if self.weights is None else torch.cat([self.weights[a:b] for a, b in own])
            yield Batch(x, labels, weights, tuple(b - a for a, b in own))

    def batches(self, order: Tensor | None, size: int) -> Iterator[Batch]:
        """Batches of rows, in the given order or in that of the file; the last can be shorter."""
        labels, weights = self.labels, self.weights
        on_device = None if order is None else order.to(labels.device, non_blocking=True)
        if on_device is not None:
            labels, weights = labels[on_device], None if weights is None else weights[on_device]
        places = on_device if self.local else order
        for start in range(0, self.n, size):
            stop = min(start + size, self.n)
            x = self.span(start, stop) if places is None else self.fetch(places[start:stop])
            yield Batch(x, labels[start:stop], None if weights is None else weights[start:stop])


def resident(
    features: RowSource,
    labels: npt.NDArray[Any],
    standard: Standard,
    device: str,
    dtype: torch.dtype,
    weights: Floats | None = None,
) -> Split:
    """A split whose features are copied to the device, standardised. labels: (n,), or soft labels (n, k)."""
    n, d = features.shape
    data = _empty((n, d), device, dtype)
    standardised = _Standardiser(standard, device, dtype)
    start = 0
    for block in blocks_of(features):
        data[start : start + len(block)] = standardised(block)
        start += len(block)
    return Split(
        n,
        _labels(labels, device, dtype),
        lambda rows: data.index_select(0, rows),
        lambda a, b: data[a:b],
        True,
        _weights(weights, device, dtype),
    )


def staged(
    features: RowSource,
    labels: npt.NDArray[Any],
    standard: Standard,
    device: str,
    dtype: torch.dtype,
    weights: Floats | None = None,
) -> Split:
    """A split whose features stay where they are stored; batches are gathered, standardised and sent one by one."""
    send = _Standardiser(standard, device, dtype)

    def fetch(rows: Tensor) -> Tensor:
        return send(rows_at(features, rows.numpy()))

    return Split(
        features.shape[0],
        _labels(labels, device, dtype),
        fetch,
        lambda a, b: send(np.asarray(features[a:b])),
        False,
        _weights(weights, device, dtype),
    )


class _Standardiser:
    """Sends rows to the device as they are stored, and standardises them there; every device computes the same bits."""

    def __init__(self, standard: Standard, device: str, dtype: torch.dtype) -> None:
        self._mean, self._scale = (torch.from_numpy(x).to(device) for x in (standard.mean, standard.scale))
        self._device, self._dtype = device, dtype

    def __call__(self, block: npt.NDArray[Any]) -> Tensor:
        """The rows on the device, in the type of the training."""
        stored = _tensor(block)
        if self._device != "cpu":
            return self._standardised(stored.pin_memory().to(self._device, non_blocking=True))
        found = torch.empty(block.shape, dtype=self._dtype)
        step = max(1, CACHED_NUMBERS // block.shape[1])
        for part, out in zip(stored.split(step), found.split(step), strict=True):
            out.copy_(self._standardised(part))
        return found

    def _standardised(self, rows: Tensor) -> Tensor:
        return rows.to(torch.float64, copy=True).sub_(self._mean).div_(self._scale).to(self._dtype)


def _tensor(block: npt.NDArray[Any]) -> Tensor:
    """These rows as a tensor of their type, or of float64 if torch may not know it; it is only read."""
    if block.dtype not in AS_STORED:
        return torch.from_numpy(block.astype(np.float64))
    whole = block.flags.c_contiguous and block.flags.writeable  # torch warns of arrays that are only to be read
    return torch.from_numpy(block if whole else block.copy())


def _empty(shape: tuple[int, int], device: str, dtype: torch.dtype) -> Tensor:
    """A tensor without values. numpy asks for large pages of memory, from which rows are gathered faster."""
    if device == "cpu" and dtype in FLOATS:
        return torch.from_numpy(np.empty(shape, FLOATS[dtype]))
    return torch.empty(shape, dtype=dtype, device=device)


def _labels(labels: npt.NDArray[Any], device: str, dtype: torch.dtype) -> Tensor:
    if labels.ndim == 2:
        return torch.from_numpy(labels.astype(np.float64)).to(device, dtype)
    return torch.from_numpy(labels.astype(np.int64)).to(device)


def _weights(weights: Floats | None, device: str, dtype: torch.dtype) -> Tensor | None:
    return None if weights is None else torch.from_numpy(weights).to(device, dtype)
