"""The pictures of a case: image, label, prediction, confidence, error, and the gap around every pixel.

Colours are told apart by the colour-blind: those of classes are Okabe & Ito's, then Tol's muted ones, then lighter
ones; confidence is Nuñez, Anderton & Renslow's cividis; the gap goes from blue over white to vermilion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.dense.maps import CaseMaps
from calibeval.render.drawing.png import Photo, Picture, Raster, Rgb, from_hex, ramp

Name = Literal["image", "label", "prediction", "confidence", "error", "gap"]
TITLES: dict[Name, str] = {
    "image": "image",
    "label": "label",
    "prediction": "prediction",
    "confidence": "confidence",
    "error": "error",
    "gap": "gap nearby",
}

_OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
_MUTED = ("#332288", "#882255", "#999933", "#44aa99", "#117733", "#661100", "#aa4499", "#6699cc")
BACKGROUND = from_hex("#3b4148")  # of the first class, which mostly is the background
_OTHERS = tuple(map(from_hex, (*_OKABE_ITO, *_MUTED)))
_LIGHT = tuple(((r + 255) // 2, (g + 255) // 2, (b + 255) // 2) for r, g, b in _OTHERS)
MOST_NAMED = 1 + len(_OTHERS) + len(_LIGHT)  # classes of a legend: beyond, colours repeat
CLASSES: tuple[Rgb, ...] = (BACKGROUND, *_OTHERS, *_LIGHT)
_CIVIDIS = (
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
)  # fmt: skip
CIVIDIS = tuple(map(from_hex, _CIVIDIS))
UNDER_TO_OVER = tuple(map(from_hex, ("#00426b", "#3f8fc4", "#cfe3f1", "#ffffff", "#f9d9c0", "#e0762f", "#8a3700")))
RIGHT, UNSURE, SURE = from_hex("#e9edf1"), from_hex("#f6b88f"), from_hex("#8a3700")
UNCOUNTED = (from_hex("#ffffff"), from_hex("#8d979f"))  # the two stripes of pixels that do not count
STEPS = 48  # colours of a ramp: fewer make smaller files
GREYS = 64
_STRIPES = 48  # on the longer side of a picture, at least
_LEAST_GAP = 0.1


@dataclass(frozen=True, slots=True)
class Shown:
    """What all pictures of a figure have in common.

    classes: those that occur in a label or a prediction, ascending; each has the colour of its place among them.
    least: the confidence at the dark end, which no prediction falls below. most: the gap at both ends of its colours;
    at most a twentieth of the pixels lie beyond.
    """

    classes: tuple[int, ...]
    least: float
    most: float

    @property
    def uncounted(self) -> int:
        """The number of the first stripe."""
        return len(self.classes)

    def colour(self, label: int) -> Rgb:
        """The colour of a class. Beyond 31 classes, colours are repeated."""
        return CLASSES[_places(self.classes)[label]]


def shown(cases: Sequence[CaseMaps], k: int) -> Shown:
    """What pictures of these cases have in common. k: the number of classes."""
    every = [np.unique(part[one.counts]) for one in cases for part in (one.labels, one.predicted)]
    found = np.unique(np.concatenate(every)) if every else np.arange(0)
    gaps = np.concatenate([np.abs(one.gap[one.counts]) for one in cases] or [np.zeros(0)])
    most = max(_LEAST_GAP, float(np.quantile(gaps, 0.95)) if len(gaps) else 0.0)
    return Shown(tuple(map(int, found)), 1.0 / max(k, 2), min(1.0, math.ceil(10.0 * most - 1e-9) / 10.0))


def pictures(case: CaseMaps, common: Shown) -> dict[Name, Picture]:
    """The pictures of a case, in the order in which they are shown; without an image if there is none."""
    found: dict[Name, Picture] = {}
    if case.image is not None:
        found["image"] = _photo(case.image)
    found["label"] = _of_classes(case, case.labels, common)
    found["prediction"] = _of_classes(case, case.predicted, common)
    found["confidence"] = _ramped(case, (case.confidence - common.least) / (1.0 - common.least), CIVIDIS)
    found["error"] = _errors(case, common)
    found["gap"] = _ramped(case, 0.5 + 0.5 * case.gap / common.most, UNDER_TO_OVER)
    return found


def _photo(image: npt.NDArray[np.float64]) -> Picture:
    if image.ndim == 2:
        grey = (image * (GREYS - 1)).round().astype(np.uint8)
        return Raster(grey, ramp([(0, 0, 0), (255, 255, 255)], GREYS))
    return Photo(((image * 31).round() * (255 / 31)).round().astype(np.uint8))  # 5 bits a colour


def _of_classes(case: CaseMaps, labels: npt.NDArray[np.intp], common: Shown) -> Raster:
    number = np.searchsorted(common.classes, labels).clip(0, max(len(common.classes) - 1, 0)) % len(CLASSES)
    return _with_stripes(case, number, CLASSES)


def _ramped(case: CaseMaps, share: npt.NDArray[np.float64], stops: Sequence[Rgb]) -> Raster:
    number = (np.where(case.counts, share, 0.0).clip(0.0, 1.0) * (STEPS - 1)).round().astype(np.intp)
    return _with_stripes(case, number, ramp(stops, STEPS))


def _errors(case: CaseMaps, common: Shown) -> Raster:
    """Right pixels pale; wrong ones the darker, the surer."""
    share = ((case.confidence - common.least) / (1.0 - common.least)).clip(0.0, 1.0)
    number = np.where(case.wrong, 1 + (share * (STEPS - 1)).round().astype(np.intp), 0)
    return _with_stripes(case, number, (RIGHT, *ramp([UNSURE, SURE], STEPS)))


def _with_stripes(case: CaseMaps, number: npt.NDArray[np.intp], colours: Sequence[Rgb]) -> Raster:
    height, width = number.shape
    wide = max(1, max(height, width) // _STRIPES // 2)
    stripe = (np.arange(height)[:, np.newaxis] + np.arange(width)) // wide % 2
    every = (*colours, *UNCOUNTED)
    return Raster(np.where(case.counts, number, len(colours) + stripe).astype(np.uint8), every)


def _places(classes: Sequence[int]) -> dict[int, int]:
    return {label: place % len(CLASSES) for place, label in enumerate(classes)}
