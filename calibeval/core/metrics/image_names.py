"""How numbers of segmentations are named: of all pixels, over images, and of one structure.

`dice` is of all pixels together, `per_image.dice` the mean over images; `liver.dice` and `per_image.liver.dice` are the
same of one structure; `dice_positive` and `per_image.ece_positive` are of the positive class of two.
"""

from __future__ import annotations

from typing import NamedTuple

PREFIX = "per_image."
OF_STRUCTURES = ("ece", "ace", "mce_all_bins", "confidence_gap", "dice", "iou")
OF_IMAGES = (
    "ace", "cwace", "cwmce", "boundary_ece", "interior_ece", "boundary_gap", "interior_gap", "ba_ece", "dice", "iou",
)  # fmt: skip
# Those that every report has over all rows.
OF_ROWS = ("accuracy", "confidence_gap", "nll", "brier", "ece", "mce_all_bins", "cwce")
OF_POSITIVE = {"ece_positive": "ece", "dice_positive": "dice"}  # those of the positive class of two, by its own number
# What tables show of all structures together.
SHOWN = ("boundary_ece", "dice", "dice_positive")
SHOWN_MEANS = ("accuracy", "nll", "brier", "ece", "boundary_ece", "dice", *OF_POSITIVE)
MEANS = ("per_image.ece", "per_image.dice")  # of tables with a row for each of several dumps or slices
MEANS_OF_POSITIVE = ("per_image.ece_positive", "per_image.dice_positive")  # of such tables, of two classes
FIRST_OF_POSITIVE = ("per_image.ece_positive", "dice_positive", "per_image.dice_positive")
FIRST = ("per_image.ece", "dice", "per_image.dice")  # in a first view


class Spelled(NamedTuple):
    """The parts of a name. mean: whether over images. structure: the class; None: of all."""

    number: str
    mean: bool = False
    structure: str | None = None

    @property
    def name(self) -> str:
        """The name in JSON and rules."""
        return f"{PREFIX * self.mean}{'' if self.structure is None else f'{self.structure}.'}{self.number}"


def spelled(name: str) -> Spelled | None:
    """The parts of a name; None for other names, also those that every report has over all rows.

    >>> spelled("per_image.ece"), spelled("left lung.dice"), spelled("ece")
    (Spelled(number='ece', mean=True, structure=None), Spelled(number='dice', mean=False, structure='left lung'), None)
    """
    mean = name.startswith(PREFIX)
    rest = name.removeprefix(PREFIX)
    if rest in (*OF_IMAGES, "dice_positive") or (mean and rest in (*OF_ROWS, *OF_POSITIVE)):
        return Spelled(rest, mean)
    structure, dot, number = rest.rpartition(".")
    return Spelled(number, mean, structure) if dot and structure and number in OF_STRUCTURES else None


def is_of_images(name: str) -> bool:
    """Whether only images have a number of this name."""
    return spelled(name) is not None
