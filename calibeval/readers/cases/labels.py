"""Labels of cases: numbers of classes, as they lie in images or arrays, or masks of 0 and 255."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.cases.axes import check_labels
from calibeval.readers.cases.pictures import Picture, read_mask, read_nifti
from calibeval.readers.cases.stems import MASKS, NIFTI, suffix_of_case
from calibeval.readers.formats.npz import read_npy, read_npz
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.names import LABEL_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Stored

WHITE = 255
TWO = 2
FAR = 2.0**63


def read_labels(file: SteadyFile, options: ReadOptions) -> Picture:
    """The labels in a file, with the axes that it has. Raises: InputError, FileProblem naming it."""
    suffix = suffix_of_case(file.name)
    if suffix in MASKS:
        return read_mask(file, options.limits)
    if suffix in NIFTI:
        picture = read_nifti(file, options.limits)
        while picture.values.ndim > 3 and picture.values.shape[-1] == 1:
            picture = picture._replace(values=picture.values[..., 0])
        check_labels(file.name, picture.values.shape)
        return picture
    return Picture(numbers_in(_labels_in(file, suffix or "", options), file.name))


class Masks:
    """Labels as whole numbers, and what masks of two classes have in common.

    plain: whether 255 may stand for class 1: no label is to be ignored, and channels are no regions.
    """

    def __init__(self, *, plain: bool) -> None:
        self._plain = plain
        self._first: dict[bool, str] = {}  # the first file with class 1 as 1, and the first with 255 in its place

    def classes(self, name: str, labels: npt.NDArray[Any], k: int) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
        """The classes of pixels, and what is told of them; of two classes, masks of 0 and 255 are 0 and 1.

        k: channels of the scores. Raises: InputError.
        """
        labels = whole_labels(name, labels)
        if k > TWO or not self._plain:
            return labels, ()
        white, one = labels == WHITE, bool((labels == 1).any())
        if one or not white.any() or not (white | (labels == 0)).all():
            self._note(name, there=one, white=False)
            return labels, ()
        self._note(name, there=True, white=True)
        return white.astype(np.uint8), ("masks of 0 and 255 are the classes 0 and 1",)

    def _note(self, name: str, *, there: bool, white: bool) -> None:
        """Class 1 is 1 in all masks, or 255 in all. Raises: InputError."""
        if there:
            self._first.setdefault(white, name)
        if len(self._first) > 1:
            raise InputError(
                f"{self._first[True]}: its labels are 0 and 255, but those of {self._first[False]} have class 1: if "
                "255 marks pixels that nobody labelled, say --ignore-index 255"
            )


def whole_labels(name: str, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Labels as whole numbers of at most 64 bits, with a sign if they have as many. Raises: InputError."""
    if labels.dtype.kind == "f":
        finite = np.isfinite(labels)
        odd = labels[~finite | (np.floor(labels) != labels) | (np.abs(labels) >= FAR)] if labels.size else labels
        if odd.size:
            raise InputError(f"{name}: labels are whole numbers, but {float(odd.flat[0])!r} came")
        return labels.astype(np.int64)
    if labels.dtype == np.uint64:
        if labels.size and labels.max() > np.iinfo(np.int64).max:
            raise InputError(f"{name}: a label is {labels.max()}, but labels are the numbers of classes")
        return labels.astype(np.int64)
    return labels


def _labels_in(file: SteadyFile, suffix: str, options: ReadOptions) -> Stored:
    arrays = (read_npz if suffix == ".npz" else read_npy)(file, options.limits).arrays
    if options.keys.labels is not None and suffix == ".npz":
        if options.keys.labels not in arrays:
            raise InputError(f'{file.name}: there is no array "{options.keys.labels}"; there are {", ".join(arrays)}')
        return arrays[options.keys.labels]
    found = [one for key, one in arrays.items() if key in LABEL_KEYS] or list(arrays.values())
    if len(found) != 1:
        raise InputError(f"{file.name}: several arrays could be the labels, {', '.join(arrays)}: say --labels-key NAME")
    return found[0]


def numbers_in(stored: Stored, name: str) -> npt.NDArray[Any]:
    """The numbers of an array. name: of its file. Raises: InputError if they are none."""
    if stored.refusal is None and stored.dtype.kind not in "fiub":
        raise InputError(f"{name}: holds {stored.describe()}, which are no numbers")
    return stored.array()
