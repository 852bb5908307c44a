"""How tools for segmentations average over images: a table, which the command line knows before it reads anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Bins = Literal["linspace", "float32", "monai"]


@dataclass(frozen=True, slots=True)
class ImageConvention:
    """What a tool measures of each image, and how it averages over images.

    name: of `--convention`. bins: the tool's default number. weight: what each image counts: "image" for 1,
    "pixels" for its number of pixels. foreground: whether pixels whose label is 0 are dropped. numbers: in the tool's
    order. spread: whether the tool prints the standard deviation over images, too. facts: what determines the numbers.
    hides: what cannot be seen in them. source: tool with version or commit. unlabelled: whether pixels without a label
    count, too.
    """

    name: str
    bins: int
    weight: Literal["image", "pixels"]
    foreground: bool
    numbers: tuple[str, ...]
    spread: bool
    facts: tuple[str, ...]
    hides: str
    source: str
    unlabelled: bool = False


TITLES: Mapping[str, str] = MappingProxyType(
    {
        "expected": "expected",
        "average": "average",
        "maximum": "maximum",
        "expected_foreground": "expected without channel 0",
        "average_foreground": "average without channel 0",
        "maximum_foreground": "maximum without channel 0",
        "ece": "ECE",
        "mce": "MCE",
        "sce": "SCE",
        "ace": "ACE",
        "boundary_ece": "boundary ECE",
        "boundary_mce": "boundary MCE",
        "boundary_sce": "boundary SCE",
        "boundary_ace": "boundary ACE",
        "nll": "NLL",
        "aece": "AECE",
        "cwce": "CWCE",
    }
)
_UPDATES = (
    "bins (lower, upper], float32 edges; 0 in no bin, but counted",
    "AECE between interpolated edges, the lowest confidence in no bin",
    "CWCE over max(label) + 1 classes of the image",
)

IMAGE_CONVENTIONS: Mapping[str, ImageConvention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            ImageConvention(
                name="monai",
                bins=20,
                weight="image",
                foreground=False,
                numbers=(
                    "expected",
                    "average",
                    "maximum",
                    "expected_foreground",
                    "average_foreground",
                    "maximum_foreground",
                ),
                spread=False,
                facts=(
                    "every class against the rest, in each image; mean over classes, then over images",
                    "bins (lower, upper] with 0 in the first, edges from 0 to 1 + 2^-23; empty bins are skipped",
                    "no label to ignore: pixels without a label count, and are wrong for every class",
                ),
                hides="classes that an image lacks count with their probabilities, which are near 0 and easily right",
                source="MONAI 1.6.1, CalibrationErrorMetric (include_background=False: without channel 0)",
                unlabelled=True,
            ),
            ImageConvention(
                name="lts",
                bins=10,
                weight="image",
                foreground=False,
                numbers=(
                    "ece",
                    "mce",
                    "sce",
                    "ace",
                    "boundary_ece",
                    "boundary_mce",
                    "boundary_sce",
                    "boundary_ace",
                ),
                spread=True,
                facts=(
                    "mean and standard deviation over images; bins (lower, upper]",
                    "SCE and ACE: the top label's bins, split by the predicted class, each weighing as its pixels",
                    "ACE: deciles of the confidence of all pixels, of those without a label, too",
                    "an image without a boundary counts as 0 in boundary numbers",
                ),
                hides="probabilities of all classes but the predicted one",
                source="uncbiag/LTS @ f8621589, probability_measure_CamVid.py",
            ),
            ImageConvention(
                name="mbls per update",
                bins=15,
                weight="pixels",
                foreground=True,
                numbers=("nll", "ece", "aece", "cwce"),
                spread=False,
                facts=("pixels whose label is not 0; mean over images, weighted by these pixels", *_UPDATES),
                hides="objects that are seen where there is only background",
                source=(
                    "by-liu/MbLS @ dc865036 and Bala93/MarginLoss @ 5466662b, segment_calibrate_evaluator.py, with one "
                    "image an update; by-liu/CALS @ d72b31f6 with batch_mode"
                ),
            ),
            ImageConvention(
                name="cals per update",
                bins=15,
                weight="image",
                foreground=False,
                numbers=("nll", "ece", "aece", "cwce"),
                spread=False,
                facts=("all labelled pixels; plain mean over images", *_UPDATES),
                hides="errors of the foreground, where most pixels are background",
                source="by-liu/CALS @ d72b31f6, segment_calibrate_evaluator.py, with one image an update",
            ),
        )
    }
)


def image_convention(name: str) -> ImageConvention | None:
    """How a tool averages over images; None if it does not. name: of the tool, or of its way with images.

    >>> image_convention("mbls").name, image_convention("LTS").name, image_convention("netcal")
    ('mbls per update', 'lts', None)
    """
    plain = name.casefold()
    return IMAGE_CONVENTIONS.get(plain) or IMAGE_CONVENTIONS.get(f"{plain} per update")
