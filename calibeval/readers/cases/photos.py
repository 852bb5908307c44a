"""The images that cases were predicted from, for pictures: NIfTI, PNG, JPEG or TIFF, in a folder of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.cases.pictures import read_nifti, read_photo
from calibeval.readers.cases.stems import NIFTI
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

SUFFIXES = (*NIFTI, ".png", ".jpg", ".jpeg", ".tif", ".tiff")
LISTED = 3
FIRST_CHANNEL = "_0000"  # nnU-Net's name of the first of several scans of a case


class Photos:
    """The images of a folder, by the names of cases. Raises: FileProblem, InputError for a folder without images."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        try:
            files = sorted(folder.iterdir())
        except OSError as error:
            raise FileProblem(f"{folder}: cannot be read ({error.strerror})") from None
        stems = [(stem_of_photo(file.name), file) for file in files]
        self._files = {stem: file for stem, file in stems if stem is not None}
        if not self._files:
            raise InputError(f"{folder}: holds no images: none of {', '.join(SUFFIXES)}")

    def __call__(self, name: str) -> npt.NDArray[Any] | None:
        """The image of a case, (h, w), (h, w, 3) or (d, h, w); None if there is none.

        Raises: InputError, FileProblem naming its file.
        """
        file = self._file(name)
        if file is None:
            return None
        if any(file.name.lower().endswith(one) for one in NIFTI):
            return np.asarray(read_nifti(SteadyFile.of(file), self._limits).values).T
        return read_photo(SteadyFile.of(file), self._limits)

    def _file(self, name: str) -> Path | None:
        stem = stem_of_photo(name) or name
        every = (name, f"{name}{FIRST_CHANNEL}", stem, f"{stem}{FIRST_CHANNEL}")
        return next((self._files[one] for one in every if one in self._files), None)

    def check(self, names: Sequence[str]) -> None:
        """Refuse a folder without an image of any of these cases. Raises: InputError."""
        if any(self._file(name) for name in names):
            return
        cases, images = (", ".join([*found][:LISTED]) for found in (names, self._files))
        raise InputError(
            f"{self._folder}: no image belongs to a case: an image is called as its case, or as its case with "
            f"{FIRST_CHANNEL} behind it; cases are {cases}, and images {images}"
        )


def stem_of_photo(name: str) -> str | None:
    """The name of an image without its suffix; None for another file.

    >>> stem_of_photo("liver_0000.nii.gz"), stem_of_photo("0001TP.PNG"), stem_of_photo("notes.txt")
    ('liver_0000', '0001TP', None)
    """
    suffix = next((one for one in SUFFIXES if name.lower().endswith(one) and len(name) > len(one)), None)
    return None if suffix is None or name.startswith(".") else name[: -len(suffix)]
