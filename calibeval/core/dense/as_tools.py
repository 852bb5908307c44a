"""The numbers that tools for segmentations print of one image, each in its own way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.edges import interpolated_edges, width_edges
from calibeval.core.conventions.images import IMAGE_CONVENTIONS, ImageConvention
from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.dense.regions import boundary

FLOAT32: np.dtype[Any] = np.dtype(np.float32)
NARROW = 4  # bytes; scores no wider than this have a float32 softmax


class ToolImage(NamedTuple):
    """All pixels of an image.

    p: (k, n), probabilities as precise as the tools have them. nll: (n,), of the labels; 0 without one. labels: (n,).
    keep: (n,), which pixels have a label. near: (n,), which are near a boundary. dtype: of the tools' softmax.
    """

    p: Floats
    nll: Floats
    labels: npt.NDArray[Any]
    keep: npt.NDArray[np.bool_]
    near: npt.NDArray[np.bool_]
    dtype: np.dtype[Any]


class Cells(NamedTuple):
    """Bins of one image, or of several together.

    pixels: (..., m), the number of pixels in each. gap: how far its sums of p and of outcomes are apart, with a sign.
    n: of all pixels, of which some may be in no bin.
    """

    pixels: Floats
    gap: Floats
    n: int

    @classmethod
    def of(cls, index: Indices, cells: int, p: Floats, y: npt.NDArray[np.bool_]) -> Cells:
        """index: (n,), the bin of each pixel; a negative one is none."""
        kept = index >= 0
        count, gap = (np.bincount(index[kept], weights=one, minlength=cells) for one in (None, (p - y)[kept]))
        return cls(count.astype(np.float64), gap.astype(np.float64), len(index))

    @classmethod
    def together(cls, every: list[Cells]) -> Cells:
        """Those of the classes, (k, m), of the same pixels."""
        return cls(np.stack([one.pixels for one in every]), np.stack([one.gap for one in every]), every[0].n)

    def plus(self, other: Cells) -> Cells:
        """Those of both images."""
        return Cells(self.pixels + other.pixels, self.gap + other.gap, self.n + other.n)

    @property
    def expected(self) -> Floats:
        """The mean gap of all pixels, NaN without any."""
        gaps = np.abs(self.gap).sum(axis=-1)
        return np.asarray(gaps / self.n if self.n else np.full_like(gaps, math.nan))

    @property
    def average(self) -> Floats:
        """The mean gap of bins that are not empty."""
        found = self._gaps
        return np.asarray(np.where(np.isnan(found), 0.0, found).sum(axis=-1) / (~np.isnan(found)).sum(axis=-1))

    @property
    def maximum(self) -> Floats:
        """The largest gap of a bin."""
        return np.asarray(np.nan_to_num(self._gaps, nan=0.0).max(axis=-1))

    @property
    def _gaps(self) -> Floats:
        there = self.pixels > 0.0
        return np.where(there, np.abs(self.gap) / np.where(there, self.pixels, 1.0), math.nan)


class Found(NamedTuple):
    """The numbers of one image.

    n: pixels that count. cells: those that can be added up over images, by name. bordered: whether labelled pixels are
    near a boundary.
    """

    values: dict[str, float]
    n: int
    cells: Mapping[str, Cells]
    bordered: bool = False


def found_in(image: ToolImage, convention: ImageConvention, bins: int) -> Found:
    """What a tool finds in one image."""
    return _MEASURES[convention.name](image, bins)._replace(bordered=bool((image.near & image.keep).any()))


def pooled_of(convention: ImageConvention, cells: Mapping[str, Cells]) -> dict[str, float]:
    """The numbers of the pixels of all images together, in the bins of a tool; those that have other bins are left out.

    cells: those of `Found`, added up.
    """
    return _NUMBERS[convention.name](cells)


def image_in(predictions: Predictions, image: int) -> ToolImage:
    """An image of a dump, by its number."""
    _, *space = predictions.layout
    size = math.prod(space)
    here = slice(image * size, (image + 1) * size)
    scores, labels = np.asarray(predictions.scores[here]).T, predictions.labels[here]
    keep = labels != predictions.ignore_index if predictions.ignored else np.ones(size, np.bool_)
    return tool_image(np.ascontiguousarray(scores), predictions.kind, labels.reshape(space), keep)


def tool_image(scores: npt.NDArray[Any], kind: Any, labels: npt.NDArray[Any], keep: npt.NDArray[np.bool_]) -> ToolImage:
    """An image. scores: (k, n). labels: (h, w) or (d, h, w). keep: (n,), which pixels have a label."""
    wide = scores.dtype.kind == "f" and scores.dtype.itemsize > NARROW
    dtype = np.dtype(np.float64) if wide else FLOAT32
    p, flat, nll = probabilities(scores, kind, axis=0), labels.ravel(), np.zeros(len(keep))
    places = np.flatnonzero(keep)
    with np.errstate(divide="ignore"):
        nll[places] = -np.log(p[flat[places].astype(np.intp), places])
    return ToolImage(p.astype(dtype).astype(np.float64), nll, flat, keep, boundary(labels).ravel(), dtype)


def _counted(image: ToolImage, convention: ImageConvention) -> npt.NDArray[np.bool_]:
    """The pixels that count."""
    return image.keep & (image.labels != 0) if convention.foreground else image.keep


def _monai(image: ToolImage, bins: int) -> Found:
    """Source of the definitions: MONAI, monai/metrics/calibration.py."""
    edges = np.linspace(0.0, 1.0 + float(np.finfo(np.float32).eps), bins + 1).astype(np.float32).astype(np.float64)
    every = []
    for label, one in enumerate(image.p):
        p = one.astype(np.float32).astype(np.float64)
        index = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, bins - 1)
        every.append(Cells.of(index, bins, p, (image.labels == label) & image.keep))
    cells = {"classes": Cells.together(every)}
    return Found(_monai_numbers(cells), every[0].n, cells)


def _monai_numbers(cells: Mapping[str, Cells]) -> dict[str, float]:
    own = cells["classes"]
    every = {"expected": own.expected, "average": own.average, "maximum": own.maximum}
    whole = {name: float(value.mean()) for name, value in every.items()}
    return whole | {f"{name}_foreground": float(value[1:].mean()) for name, value in every.items()}


def _lts(image: ToolImage, bins: int) -> Found:
    """Source of the definitions: Ding et al., ICCV 2021, in the public code of Local Temperature Scaling."""
    predicted = image.p.argmax(axis=0)
    confidence = image.p[predicted, np.arange(len(predicted))]
    right, k = predicted == image.labels, len(image.p)
    inner = np.quantile(confidence, np.arange(1, bins) / bins).astype(image.dtype).astype(np.float64)
    places = [
        np.searchsorted(edges, confidence, side="left") - 1
        for edges in (np.linspace(0.0, 1.0, bins + 1), np.concatenate(([0.0], inner, [1.0])))
    ]
    cells: dict[str, Cells] = {}
    aces: dict[str, float] = {}
    for prefix, kept in (("", image.keep), ("boundary_", image.keep & image.near)):
        own = confidence[kept], right[kept]
        split = [Cells.of(place[kept] * k + predicted[kept], bins * k, *own) for place in places]
        cells |= {f"{prefix}top": Cells.of(places[0][kept], bins, *own), f"{prefix}split": split[0]}
        aces[f"{prefix}ace"] = _or(split[1].n, float(split[1].expected), empty=0.0 if prefix else math.nan)
    return Found(_lts_numbers(cells) | aces, cells["top"].n, cells)


def _lts_numbers(cells: Mapping[str, Cells]) -> dict[str, float]:
    found: dict[str, float] = {}
    for prefix in ("", "boundary_"):
        top, split = cells[f"{prefix}top"], cells[f"{prefix}split"]
        every = {"ece": top.expected, "mce": top.maximum, "sce": split.expected}
        empty = 0.0 if prefix else math.nan
        found |= {f"{prefix}{name}": _or(top.n, float(value), empty=empty) for name, value in every.items()}
    return found


def _or(n: int, value: float, *, empty: float) -> float:
    """The value of n pixels."""
    return value if n else empty


def _update(convention: ImageConvention, image: ToolImage, bins: int) -> Found:
    """Source of the definitions: by-liu/MbLS and by-liu/CALS, calibrate/evaluation."""
    kept = _counted(image, convention)
    p, labels, n = image.p[:, kept], image.labels[kept].astype(np.intp), int(kept.sum())
    if not n:
        return Found(dict.fromkeys(convention.numbers, math.nan), 0, {})
    everyone, predicted = np.arange(n), p.argmax(axis=0)
    confidence, right = p[predicted, everyone], predicted == labels
    edges = width_edges(CONVENTIONS["mbls"], bins, FLOAT32)
    mass = interpolated_edges(np.sort(confidence), bins).astype(image.dtype).astype(np.float64)
    by_class = [_cells(one, labels == label, edges) for label, one in enumerate(p)]
    there = Cells.of(labels, len(p), np.zeros(n), np.zeros(n, np.bool_))
    cells = {"top": _cells(confidence, right, edges), "classes": Cells.together(by_class), "labels": there}
    aece = float(_cells(confidence, right, mass).expected)
    return Found({"nll": float(image.nll[kept].mean()), "aece": aece} | _update_numbers(cells), n, cells)


def _update_numbers(cells: Mapping[str, Cells]) -> dict[str, float]:
    if not cells:
        return {}
    counted = int(np.flatnonzero(cells["labels"].pixels)[-1]) + 1
    return {"ece": float(cells["top"].expected), "cwce": float(cells["classes"].expected[:counted].mean())}


def _cells(p: Floats, y: npt.NDArray[np.bool_], edges: Floats) -> Cells:
    """Cells of bins (lower, upper]; what lies in none counts in the number of pixels."""
    bins = len(edges) - 1
    index = np.searchsorted(edges, p, side="left") - 1
    index[index >= bins] = -1
    return Cells.of(index, bins, p, y)


_MEASURES: dict[str, Callable[[ToolImage, int], Found]] = {
    "monai": _monai,
    "lts": _lts,
    **{name: partial(_update, one) for name, one in IMAGE_CONVENTIONS.items() if name.endswith("per update")},
}
_NUMBERS: dict[str, Callable[[Mapping[str, Cells]], dict[str, float]]] = {
    "monai": _monai_numbers,
    "lts": _lts_numbers,
    **{name: _update_numbers for name in IMAGE_CONVENTIONS if name.endswith("per update")},
}
