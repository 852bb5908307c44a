"""Images in files that other libraries write: NIfTI by nibabel, masks by Pillow and tifffile (extra `medical`)."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy.typing as npt

from calibeval.writers.atomic import write_file


def write_like(path: Path, target: Path, values: npt.NDArray[Any]) -> None:
    """Write voxels, (x, y, z) or (x, y, z, c), with the affine and the header of another NIfTI file.

    Raises: FileProblem if the file cannot be written.
    """
    import nibabel

    image: Any = nibabel.load(path)
    header = image.header.copy()
    header.set_data_dtype(values.dtype)
    header.set_slope_inter(1.0, 0.0)
    content = type(image)(values, image.affine, header).to_bytes()
    write_file(target, gzip.compress(content, 6, mtime=0) if path.name.lower().endswith(".gz") else content)


def write_mask(target: Path, values: npt.NDArray[Any]) -> None:
    """Write class numbers (h, w) as PNG or TIFF, by the suffix. Raises: FileProblem."""
    buffer = io.BytesIO()
    if target.suffix.lower() == ".png":
        from PIL import Image

        Image.fromarray(values).save(buffer, format="PNG")
    else:
        from tifffile import imwrite

        imwrite(buffer, values)
    write_file(target, buffer.getvalue())
