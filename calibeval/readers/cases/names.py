"""Words about folders of cases, which the command line knows before it reads anything: layouts and sizes of voxels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from calibeval.core.errors import UsageError

Layout = Literal["nnunet", "monai", "arrays"]
LAYOUTS: tuple[Layout, ...] = ("nnunet", "monai", "arrays")
LEAST, MOST = 1e-9, 1e9  # of sizes, whose squares and sums are then exact enough
AXES = (2, 3)  # of images and of volumes


def as_spacing(spacing: str | Sequence[float] | None) -> tuple[float, ...] | None:
    """The size of a voxel along z, y and x, or of a pixel along y and x. Raises: UsageError for anything else.

    >>> as_spacing("3,0.5,0.5")
    (3.0, 0.5, 0.5)
    """
    if spacing is None:
        return None
    try:
        sizes = tuple(float(one) for one in (spacing.split(",") if isinstance(spacing, str) else spacing))
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) not in AXES or not all(LEAST <= one <= MOST for one in sizes):
        raise UsageError(
            f"spacing {spacing!r:.60} is not the size of a voxel: two or three numbers, each between {LEAST:g} "
            f"and {MOST:g}, are needed along (z,) y and x, such as 3,0.5,0.5"
        )
    return sizes
