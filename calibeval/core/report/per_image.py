"""What a report says of segmentations beyond pooled pixels: means over images, regions, structures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from calibeval.core.data.arrays import Floats
from calibeval.core.data.documents import Place
from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout, to_plain
from calibeval.core.metrics.possible import check_order
from calibeval.core.report.left_out import Background

Unit = Literal["pixels", "spacing"]
LABELS = {  # of numbers, in tables
    "accuracy": "accuracy",
    "confidence_gap": "gap",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE",
    "ace": "ACE",
    "mce_all_bins": "MCE",
    "cwce": "CWCE",
    "cwace": "class-wise ACE",
    "cwmce": "class-wise MCE",
    "boundary_ece": "boundary ECE",
    "interior_ece": "interior ECE",
    "boundary_gap": "boundary gap",
    "interior_gap": "interior gap",
    "ba_ece": "BA-ECE",
    "dice": "Dice",
    "iou": "IoU",
}


@dataclass(frozen=True, slots=True)
class ImageValue:
    """The value of a number in one image."""

    image: str
    value: float


@dataclass(frozen=True, slots=True)
class WorstImage:
    """One of the worst images of a number. value: None if it is infinite, as the NLL is where a label has p = 0."""

    image: str
    value: float | None


def _check_number(place: Place, found: ImageNumber) -> None:
    """Refuse quartiles and intervals out of order. Raises: Wrong."""
    check_order(place, found, "pooled_low", "pooled_high")
    check_order(place, found, "mean_low", "mean_high")
    check_order(place, found, "lower_quartile", "median", "upper_quartile")


@dataclass(frozen=True, slots=True)
class ImageNumber:
    """A number in two ways: of all pixels together, and the mean of its values in single images.

    pooled, pooled_low, pooled_high: of all pixels, with its interval. mean, mean_low, mean_high: over the images that
    have a value. Images, or the groups they belong to, are the units of both intervals. median, lower_quartile,
    upper_quartile: of the images' values. undefined: number of images that have no pixel for it. worst: at most three
    images, the worst first. reason: why intervals are missing, or that the number is infinite in some image, where
    there is no mean. None where there is no value.
    """

    LAYOUT: ClassVar = Layout(check=_check_number)

    name: str
    pooled: float | None
    pooled_low: float | None
    pooled_high: float | None
    mean: float | None
    mean_low: float | None
    mean_high: float | None
    median: float | None
    lower_quartile: float | None
    upper_quartile: float | None
    undefined: int
    worst: tuple[WorstImage, ...]
    reason: Notice | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this number, without its name."""
        return to_plain(self, "name")


@dataclass(frozen=True, slots=True)
class Structure:
    """One class against the rest. support: pixels with this label. images: those with such a pixel."""

    name: str
    support: int
    images: int
    numbers: Mapping[str, ImageNumber]


def _check_region(place: Place, found: Region) -> None:
    """Refuse an interval whose ends are exchanged. Raises: Wrong."""
    check_order(place, found, "low", "high")


@dataclass(frozen=True, slots=True)
class Region:
    """Pixels near a boundary between labels or not, or at a distance from one.

    name: "boundary", "interior" or "distance". lower, upper: of the distance, in [lower, upper); None for the first
    two, and upper for the last band. n: number of pixels. confidence, accuracy: means; None without pixels. gap:
    confidence - accuracy. low, high: its interval over images; None if there is none.
    """

    LAYOUT: ClassVar = Layout(check=_check_region)

    name: Literal["boundary", "interior", "distance"]
    n: int
    confidence: float | None
    accuracy: float | None
    gap: float | None
    lower: float | None
    upper: float | None
    low: float | None
    high: float | None


class Columns:
    """Columns of numbers, kept in 8 bytes each: a tuple of them is made when a column is asked for.

    arrays: what is undefined, NaN, is None; an infinite value stays.

    >>> import numpy as np
    >>> list(Columns([np.array([0.5, np.nan])]))
    [(0.5, None)]
    """

    def __init__(self, arrays: Sequence[Floats]) -> None:
        self._arrays = tuple(arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, number: int) -> tuple[float | None, ...]:
        return tuple(None if math.isnan(value) else value for value in self._arrays[number].tolist())

    def __iter__(self) -> Iterator[tuple[float | None, ...]]:
        return (self[number] for number in range(len(self)))


@dataclass(frozen=True, slots=True)
class ImageValues:
    """The numbers of every image. images: names. n: pixels that count. values: of each column, None where undefined.

    columns: names of numbers, such as "ece"; those of one structure have its name in front, "liver: dice".
    """

    images: tuple[str, ...]
    n: tuple[int, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...] | Columns


@dataclass(frozen=True, slots=True)
class PerImage:
    """A segmentation, image by image.

    images: their number. units, unit: number of independent units, and the column that names them; None: images.
    background: which pixels and classes count. distances: in "pixels", or in the unit of the "spacing" of the files.
    numbers: by name. structures: every class against the rest. regions: boundary, interior, and bands of distance.
    ece_of_images: of every image that has one, the worst first; of more than 2,000, those of evenly spaced ranks.
    cases: the numbers of every image, which JSON leaves out; None if the report was read from JSON.
    convention: the tool that has these numbers, which are means over images; None: they are calibeval's own. Of a tool,
    pooled numbers are those of all pixels in its bins, and ece_of_images is of its first number if it has no ECE.
    """

    LAYOUT: ClassVar = Layout(rare=("convention",), open=True)

    images: int
    units: int
    unit: str | None
    background: Background
    distances: Unit
    numbers: Mapping[str, ImageNumber]
    structures: tuple[Structure, ...]
    regions: tuple[Region, ...]
    ece_of_images: tuple[ImageValue, ...]
    cases: ImageValues | None = field(default=None, compare=False, repr=False)
    convention: str | None = None

    @property
    def leading(self) -> ImageNumber | None:
        """The number by which images are ordered: the ECE, or the first one of a tool."""
        return self.numbers.get("ece") or next(iter(self.numbers.values()), None)
