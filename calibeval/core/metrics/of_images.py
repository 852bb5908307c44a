"""Numbers of segmentations as metrics of their own: what tables, rules and comparisons need to know about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.image_names import SHOWN, SHOWN_MEANS, spelled
from calibeval.core.metrics.metric import Metric, Side
from calibeval.core.metrics.usual import USUAL
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import Contrast

ONLY_IMAGES = "only images have it: unweighted pixels with the scores of every class"


class About(NamedTuple):
    """What tables say of a number."""

    short: str
    title: str
    better: Literal["lower", "higher", "zero"]
    source: str = ""


NUMBERS = {  # those that every report has over all rows are described there
    "ace": About("ACE", "mean |accuracy - confidence| of bins that are not empty, each counting once", "lower"),
    "cwace": About("class-wise ACE", "the same of the probability of each class, averaged over classes", "lower"),
    "cwmce": About("class-wise MCE", "largest gap of the probability of each class, averaged over classes", "lower"),
    "boundary_ece": About("boundary ECE", "ECE of pixels within two pixels of another label", "lower"),
    "interior_ece": About("interior ECE", "ECE of pixels that are not near another label", "lower"),
    "boundary_gap": About("boundary gap", "confidence - accuracy within two pixels of another label", "zero"),
    "interior_gap": About("interior gap", "confidence - accuracy of pixels not near another label", "zero"),
    "ba_ece": About("BA-ECE", "gaps of bands of the distance to a boundary, near ones weighing more", "lower"),
    "dice": About("Dice", "Dice coefficient, averaged over classes", "higher", "Dice, Ecology 26:297 (1945)"),
    "dice_positive": About("Dice (pos)", "Dice coefficient of the positive class of two", "higher"),
    "iou": About("IoU", "intersection over union, averaged over classes", "higher"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMetric(Metric):
    """A number of a segmentation, which its images give: sums of rows do not have it."""

    binned: ClassVar[bool] = False
    has_floor: ClassVar[bool] = False

    def exists(self, k: int | None, *, named: bool) -> bool:
        """That rows alone do not have it."""
        return False

    def value(self, sums: Sums) -> float:
        """Nothing. Raises: NotComputable."""
        raise NotComputable("no_method", ONLY_IMAGES)

    @property
    def has_difference(self) -> bool:
        """That images give differences with an interval."""
        return True

    def difference_from(self, saved: Side, own: Side, level: Level) -> Contrast:
        """From the intervals of both. Raises: NotComputable if one is missing."""
        return self.margins_from(saved, own, level)


def of_images_named(name: str) -> ImageMetric | None:
    """The number of that name; None for other names.

    >>> of_images_named("per_image.dice").label, of_images_named("liver.ece").unit, of_images_named("ece")
    ('mean Dice', '%', None)
    """
    found = spelled(name)
    if found is None:
        return None
    usual = USUAL.get(found.number)
    about = NUMBERS.get(found.number)
    short = usual.label if about is None and usual is not None else about.short if about is not None else found.number
    whole = short if found.structure is None else f"{short} of {found.structure}"
    title = usual.title if about is None and usual is not None else about.title if about is not None else ""
    zero = found.number.endswith("gap")
    unit: Literal["%", "nats", ""] = "%" if usual is None else usual.unit
    return ImageMetric(
        name=name,
        short=f"mean {whole}" if found.mean else whole,
        title=f"mean over images: {title}" if found.mean else title,
        least=-1.0 if zero else 0.0,
        most=usual.most if usual is not None else 1.0,
        better="zero" if zero else about.better if about is not None else _better(found.number),
        unit=unit,
        source="" if about is None else about.source,
        shown=found.structure is None and found.number in (SHOWN_MEANS if found.mean else SHOWN),
    )


def _better(number: str) -> Literal["lower", "higher"]:
    return "higher" if number == "accuracy" else "lower"
