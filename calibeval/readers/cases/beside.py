"""The segmentation that nnU-Net writes beside the scores of a case: it says where they lie, as .npz does not.

CASE.pkl says it, too, but a pickle is never opened.
"""

from __future__ import annotations

from pathlib import Path

from calibeval.core.errors import InputError
from calibeval.readers.cases.axes import apart
from calibeval.readers.cases.pictures import Picture, read_affine
from calibeval.readers.cases.stems import NIFTI, beside
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

ELSEWHERE = (
    "predictions and labels lie at different places by their affines, and voxels are matched by their indices: wrong, "
    "if one of them is flipped, moved or resampled"
)
UNKNOWN = "the segmentation beside the predictions is damaged, so that their affine is not compared with the labels'"


def place_told(file: SteadyFile, scores: Picture, labels: Picture, limits: Limits) -> tuple[str, ...]:
    """A remark if scores and labels lie at different places. file: of the scores; scores: as this file has them.

    labels: with the axes of their file. Scores without an affine lie where a segmentation beside them does.
    """
    if labels.affine is None:
        return ()
    if scores.affine is not None:
        return (ELSEWHERE,) if apart(labels, scores) else ()
    segmentation = beside(Path(str(file.path)), NIFTI)
    if segmentation is None:
        return ()
    try:
        affine = read_affine(SteadyFile.of(segmentation), limits)
    except InputError:
        return (UNKNOWN,)
    return (ELSEWHERE,) if apart(labels, labels._replace(affine=affine)) else ()
