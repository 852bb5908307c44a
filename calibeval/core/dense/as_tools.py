"""The numbers that tools for segmentations print: of each image in its own way, averaged over images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.edges import interpolated_edges, width_edges
from calibeval.core.conventions.explained import ImageMean, ImagesExplained
from calibeval.core.conventions.images import IMAGE_CONVENTIONS, ImageConvention
from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.data.arrays import Floats, Indices
from calibeval.core.data.notices import reason
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.dense.of_dump import has_images
from calibeval.core.dense.regions import boundary

FLOAT32: np.dtype[Any] = np.dtype(np.float32)
NARROW = 4  # bytes; scores no wider than this have a float32 softmax
LISTED = 3


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
    """Bins of one image: the number of pixels in each, and how far its sums of p and of outcomes are apart."""

    pixels: Floats
    gap: Floats

    @classmethod
    def of(cls, index: Indices, cells: int, p: Floats, y: npt.NDArray[np.bool_]) -> Cells:
        """index: (n,), the bin of each pixel; a negative one is none."""
        kept = index >= 0
        count = np.bincount(index[kept], minlength=cells).astype(np.float64)
        return cls(count, np.abs(np.bincount(index[kept], weights=(p - y)[kept], minlength=cells)))

    def expected(self, n: int) -> float:
        """The mean gap of n pixels, among which may be some of no bin."""
        return float(self.gap.sum() / n) if n else math.nan

    @property
    def each(self) -> Floats:
        """The gaps of bins that are not empty."""
        there = self.pixels > 0.0
        return self.gap[there] / self.pixels[there]


def explain_images(predictions: Predictions, *, bins: int | None = None) -> tuple[ImagesExplained, ...]:
    """The images of a dump under every convention of tools for segmentations; empty without images.

    bins: for all; None: the default of each.
    """
    return averaged(lambda: images_in(predictions), bins) if has_images(predictions) else ()


def averaged(images: Callable[[], Iterable[ToolImage]], bins: int | None = None) -> tuple[ImagesExplained, ...]:
    """Images under every convention. images: gives them one by one, in one pass."""
    counts = {name: one.bins if bins is None else bins for name, one in IMAGE_CONVENTIONS.items()}
    values: dict[str, list[dict[str, float]]] = {name: [] for name in IMAGE_CONVENTIONS}
    weights: dict[str, list[int]] = {name: [] for name in IMAGE_CONVENTIONS}
    borderless = 0
    for image in images():
        borderless += not (image.near & image.keep).any()
        for name, convention in IMAGE_CONVENTIONS.items():
            found = _MEASURES[name](image, counts[name])
            values[name].append(found)
            weights[name].append(int(_counted(image, convention).sum()) if convention.weight == "pixels" else 1)
    return tuple(
        _explained(one, counts[name], values[name], weights[name], borderless)
        for name, one in IMAGE_CONVENTIONS.items()
    )


def images_in(predictions: Predictions) -> Iterator[ToolImage]:
    """The images of a dump, one after the other."""
    count, *space = predictions.layout
    size = math.prod(space)
    for image in range(count):
        here = slice(image * size, (image + 1) * size)
        scores, labels = np.asarray(predictions.scores[here]).T, predictions.labels[here]
        keep = labels != predictions.ignore_index if predictions.ignored else np.ones(size, np.bool_)
        yield tool_image(np.ascontiguousarray(scores), predictions.kind, labels.reshape(space), keep)


def tool_image(scores: npt.NDArray[Any], kind: Any, labels: npt.NDArray[Any], keep: npt.NDArray[np.bool_]) -> ToolImage:
    """An image. scores: (k, n). labels: (h, w) or (d, h, w). keep: (n,), which pixels have a label."""
    wide = scores.dtype.kind == "f" and scores.dtype.itemsize > NARROW
    dtype = np.dtype(np.float64) if wide else FLOAT32
    p, flat, nll = probabilities(scores, kind, axis=0), labels.ravel(), np.zeros(len(keep))
    places = np.flatnonzero(keep)
    with np.errstate(divide="ignore"):
        nll[places] = -np.log(p[flat[places].astype(np.intp), places])
    return ToolImage(p.astype(dtype).astype(np.float64), nll, flat, keep, boundary(labels).ravel(), dtype)


def _explained(
    convention: ImageConvention, bins: int, values: list[dict[str, float]], weights: list[int], borderless: int
) -> ImagesExplained:
    numbers = {}
    weight = np.array(weights, np.float64)
    for name in convention.numbers:
        own = np.array([one[name] for one in values])
        lacking = np.flatnonzero(~np.isfinite(own))
        if name == "nll" and len(lacking) and not np.isnan(own).any():
            text = "is infinite: a label has probability 0"
            numbers[name] = ImageMean(name, None, reason=reason("not_in_convention", text))
        elif len(lacking):
            some = ", ".join(str(one) for one in lacking[:LISTED])
            what = "foreground" if convention.foreground else "labelled pixels"
            text = f"the tool's mean is NaN: {len(lacking):,} of {len(own):,} images have no {what} (number {some})"
            numbers[name] = ImageMean(name, None, reason=reason("not_in_convention", text))
        else:
            mean = float((own * weight).sum() / weight.sum())
            numbers[name] = ImageMean(name, mean, float(own.std()) if convention.spread else None)
    remarks = []
    if borderless and any(name.startswith("boundary") for name in convention.numbers):
        text = f"{borderless:,} of {len(values):,} images have no boundary and count as 0 in boundary numbers"
        remarks.append(text)
    return ImagesExplained(convention, bins, len(values), numbers, tuple(remarks))


def _counted(image: ToolImage, convention: ImageConvention) -> npt.NDArray[np.bool_]:
    """The pixels that count."""
    return image.keep & (image.labels != 0) if convention.foreground else image.keep


def _monai(image: ToolImage, bins: int) -> dict[str, float]:
    """Source of the definitions: MONAI, monai/metrics/calibration.py."""
    edges = np.linspace(0.0, 1.0 + float(np.finfo(np.float32).eps), bins + 1).astype(np.float32).astype(np.float64)
    every = []
    for label, one in enumerate(image.p):
        p = one.astype(np.float32).astype(np.float64)
        index = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, bins - 1)
        cells = Cells.of(index, bins, p, (image.labels == label) & image.keep)
        every.append((cells.expected(len(p)), float(cells.each.mean()), float(cells.each.max())))
    found, names = np.array(every), ("expected", "average", "maximum")
    whole = dict(zip(names, found.mean(axis=0).tolist(), strict=True))
    rest = found[1:].mean(axis=0).tolist()
    return whole | {f"{name}_foreground": value for name, value in zip(names, rest, strict=True)}


def _lts(image: ToolImage, bins: int) -> dict[str, float]:
    """Source of the definitions: Ding et al., ICCV 2021, in the public code of Local Temperature Scaling."""
    predicted = image.p.argmax(axis=0)
    confidence = image.p[predicted, np.arange(len(predicted))]
    right, k = predicted == image.labels, len(image.p)
    inner = np.quantile(confidence, np.arange(1, bins) / bins).astype(image.dtype).astype(np.float64)
    places = [
        np.searchsorted(edges, confidence, side="left") - 1
        for edges in (np.linspace(0.0, 1.0, bins + 1), np.concatenate(([0.0], inner, [1.0])))
    ]
    found: dict[str, float] = {}
    for prefix, kept in (("", image.keep), ("boundary_", image.keep & image.near)):
        n, own = int(kept.sum()), (confidence[kept], right[kept])
        if not n:
            names = ("ece", "mce", "sce", "ace")
            found |= {f"{prefix}{name}": 0.0 if prefix else math.nan for name in names}
            continue
        plain = Cells.of(places[0][kept], bins, *own)
        split = [Cells.of(place[kept] * k + predicted[kept], bins * k, *own) for place in places]
        found |= {
            f"{prefix}ece": plain.expected(n),
            f"{prefix}mce": float(plain.each.max()),
            f"{prefix}sce": split[0].expected(n),
            f"{prefix}ace": split[1].expected(n),
        }
    return found


def _update(image: ToolImage, bins: int, convention: ImageConvention) -> dict[str, float]:
    """Source of the definitions: by-liu/MbLS and by-liu/CALS, calibrate/evaluation."""
    kept = _counted(image, convention)
    p, labels, n = image.p[:, kept], image.labels[kept].astype(np.intp), int(kept.sum())
    if not n:
        return dict.fromkeys(convention.numbers, math.nan)
    everyone, predicted = np.arange(n), p.argmax(axis=0)
    confidence, right = p[predicted, everyone], predicted == labels
    edges = width_edges(CONVENTIONS["mbls"], bins, FLOAT32)
    mass = interpolated_edges(np.sort(confidence), bins).astype(image.dtype).astype(np.float64)
    by_class = [_expected(one, labels == label, edges) for label, one in enumerate(p[: int(labels.max()) + 1])]
    return {
        "nll": float(image.nll[kept].mean()),
        "ece": _expected(confidence, right, edges),
        "aece": _expected(confidence, right, mass),
        "cwce": float(np.mean(by_class)),
    }


def _expected(p: Floats, y: npt.NDArray[np.bool_], edges: Floats) -> float:
    """The mean gap in bins (lower, upper]; what lies in none counts in the number of pixels."""
    bins = len(edges) - 1
    index = np.searchsorted(edges, p, side="left") - 1
    index[index >= bins] = -1
    return Cells.of(index, bins, p, y).expected(len(p))


_MEASURES: dict[str, Callable[[ToolImage, int], dict[str, float]]] = {
    "monai": _monai,
    "lts": _lts,
    "mbls per update": lambda image, bins: _update(image, bins, IMAGE_CONVENTIONS["mbls per update"]),
    "cals per update": lambda image, bins: _update(image, bins, IMAGE_CONVENTIONS["cals per update"]),
}
