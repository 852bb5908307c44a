"""What to do with images where a dump is needed."""

from __future__ import annotations

IMAGES = (".nii", ".nii.gz", ".png", ".tif", ".tiff")
FOLDERS = (
    "name the folder of the predictions, and with --labels the folder of the labels; "
    "report, compare, gate, fit and apply read such folders, inspect, survey and sums do not"
)


def is_image(name: str) -> bool:
    """Whether a file is an image by its name, such as a prediction or the labels of one case.

    >>> is_image("head_001.nii.gz"), is_image("head_001.npz")
    (True, False)
    """
    return name.lower().endswith(IMAGES)
