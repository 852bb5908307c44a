"""CIFAR-10 as one file: JPEG images behind one common header, decoded by several processes.

The file is an .npz with `header` (the bytes with which every JPEG begins), `train_body` and `test_body` (what follows
the header, image after image), `train_end` and `test_end` (where each image ends in its body), `train_labels` and
`test_labels`.
"""

from __future__ import annotations

import io
import multiprocessing
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.benchmarks.timing import cores

SIZE = 32
CHUNK = 1000  # images that a process decodes at a time


class Images(NamedTuple):
    """Images (n, 32, 32, 3) and labels (n,), both uint8."""

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


def read_images(path: Path, part: str, most: int | None = None) -> Images:
    """The images and labels of a part, "train" or "test"; most: only so many, evenly spaced over the file."""
    with np.load(path, allow_pickle=False) as arrays:
        labels = arrays[f"{part}_labels"]
        rows = np.arange(len(labels)) if most is None else np.linspace(0, len(labels) - 1, most).astype(int)
        files = jpeg_files(arrays, part, rows.tolist())
    pieces = [files[start : start + CHUNK] for start in range(0, len(files), CHUNK)]
    workers = min(cores(), len(pieces))
    if workers > 1 and "fork" in multiprocessing.get_all_start_methods():
        # To be called before CUDA is used, which does not survive a fork.
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
            decoded = list(pool.map(decode, pieces))
    else:
        decoded = [decode(piece) for piece in pieces]
    pixels = np.frombuffer(bytearray().join(decoded), np.uint8).reshape(-1, SIZE, SIZE, 3)
    return Images(pixels, labels[rows].astype(np.uint8))


def jpeg_files(arrays: Mapping[str, npt.NDArray[Any]], part: str, rows: Iterable[int]) -> list[bytes]:
    """The JPEG files of these images: the header, and each image's own bytes."""
    header, body = arrays["header"].tobytes(), arrays[f"{part}_body"].tobytes()
    ends = [0, *arrays[f"{part}_end"].tolist()]
    return [header + body[ends[row] : ends[row + 1]] for row in rows]


def decode(files: list[bytes]) -> bytes:
    """The pixels of JPEG files, row by row, red, green and blue.

    Raises: ValueError for an image that is not 32 x 32 in colour.
    """
    found = []
    for file in files:
        with Image.open(io.BytesIO(file)) as image:
            if image.size != (SIZE, SIZE) or image.mode != "RGB":
                raise ValueError(f"an image has {image.size} pixels of mode {image.mode}, expected 32 x 32 of RGB")
            found.append(image.tobytes())
    return b"".join(found)
