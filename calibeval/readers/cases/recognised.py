"""Whether folders hold cases, one file for each, or shards of one dump."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calibeval.core.data.row_source import show_shape
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.cases.stems import ARRAYS, NIFTI, SUFFIXES, files_by_stem, folders_of, suffix_of_case
from calibeval.readers.formats.npz import read_npy, read_npz
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Stored

NEAR_ONE = 1e-2  # of sums of probabilities, which may be rounded to half precision


def holds_images(folder: Path) -> bool:
    """Whether a folder holds NIfTI files, as nnU-Net and MONAI write them."""
    return any(suffix_of_case(file.name) in NIFTI for one in folders_of(folder) for file in one.iterdir())


def holds_cases(scores: Path, labels: Path) -> bool:
    """Whether two folders hold cases, not shards of one dump: pictures, or arrays that fit one image each.

    Raises: UsageError if their arrays fit both.
    """
    there = files_by_stem(labels, SUFFIXES)
    if any(suffix_of_case(file.name) not in ARRAYS for file in there.values()):
        return True
    if files_by_stem(scores, NIFTI):
        return True
    found = files_by_stem(scores, ARRAYS)
    both = [(found[stem], there[stem]) for stem in found if stem in there]
    if not both:
        return False
    whole = len(found) == len(there) == len(both)
    limits = Limits()
    try:
        for pair in both:
            one, other = (_largest(SteadyFile.of(file), limits) for file in pair)
            if len(one.shape) != len(other.shape) + 1 or one.shape[1:] != other.shape or len(other.shape) < 2:
                return whole and len(one.shape) == 2 and one.shape[1:] == other.shape != one.shape[:1]
            if one.shape[0] != other.shape[0]:
                return True
        return _first_axis_has_classes(both[0][0], limits)
    except InputError:
        return False


def _first_axis_has_classes(file: Path, limits: Limits) -> bool:
    """Whether the scores of a file, whose first two axes are equally long, are of classes along the first one.

    Raises: UsageError if the sums along both axes do not tell.
    """
    values = _largest(SteadyFile.of(file), limits).array()
    sums = [bool((np.abs(values.sum(axis=axis, dtype=np.float64) - 1.0) < NEAR_ONE).all()) for axis in (0, 1)]
    if sums[0] == sums[1]:
        raise UsageError(
            f"{file}: has shape {show_shape(values.shape)}, which fits one case with {len(values)} classes, and "
            f"{len(values)} images with {len(values)} classes; say --layout arrays if every file is a case"
        )
    return sums[0]


def _largest(file: SteadyFile, limits: Limits) -> Stored:
    arrays = (read_npz if suffix_of_case(file.name) == ".npz" else read_npy)(file, limits).arrays
    return max(arrays.values(), key=lambda one: len(one.shape))
