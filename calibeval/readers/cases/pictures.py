"""Images in files that other libraries read: NIfTI by nibabel, masks by Pillow and tifffile (extra `medical`)."""

from __future__ import annotations

import gzip
import io
import logging
import math
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import BROKEN_IMPORT, InputError, first_line, not_importable
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

GREY = ("1", "L", "P", "I", "I;16", "I;16B", "F")  # modes of Pillow with one number a pixel
# What the libraries raise for damaged files; they know dozens of header fields.
DAMAGED = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, ArithmeticError, RuntimeError, SyntaxError,
    AssertionError, AttributeError, zlib.error, MemoryError,
)  # fmt: skip
PIECE = 2**20
MILLIMETRES = {1: 1000.0, 3: 0.001}  # of metres and micrometres, by the code of units in a NIfTI header


class Picture(NamedTuple):
    """An array as its file has the axes.

    spacing: along each of the first three; None if it is unknown. affine: (4, 4), from voxels to places; None without.
    """

    values: npt.NDArray[Any]
    spacing: tuple[float, ...] | None = None
    affine: npt.NDArray[np.float64] | None = None


def read_nifti(file: SteadyFile, limits: Limits) -> Picture:
    """The voxels of a NIfTI file, (x, y, z) or (x, y, z, c), scaled as its header says; lengths are in millimetres.

    Raises: InputError for a damaged file, or one that would expand beyond the limit; UsageError without nibabel.
    """
    with _opened(file, limits) as (image, sizes):
        shape, dtype = tuple(map(int, image.shape)), np.dtype(image.get_data_dtype())
        if dtype.kind not in "fiu" or not shape or min(shape) < 1:
            raise InputError(f"{file.name}: holds voxels of type {dtype} in shape {shape}, which are no numbers")
        limits.check_expansion(file.name, math.prod(shape) * dtype.itemsize, size=file.size)
        values = np.asarray(np.asanyarray(image.dataobj))
        affine = _affine(image)
    sure = len(sizes) == min(len(shape), 3) and all(math.isfinite(one) and one > 0.0 for one in sizes)
    return Picture(values, sizes if sure else None, affine)


def read_affine(file: SteadyFile, limits: Limits) -> npt.NDArray[np.float64] | None:
    """The affine of a NIfTI file, in millimetres; None without one. Raises: as `read_nifti`."""
    with _opened(file, limits) as (image, _):
        return _affine(image)


def _affine(image: Any) -> npt.NDArray[np.float64] | None:
    affine = np.array(image.affine, np.float64)
    affine[:3] *= _scale(image.header)
    return affine if np.isfinite(affine).all() else None


def _scale(header: Any) -> float:
    """Millimetres in a unit of length of the header, which are millimetres where it does not say."""
    return MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)


@contextmanager
def _opened(file: SteadyFile, limits: Limits) -> Iterator[tuple[Any, tuple[float, ...]]]:
    """A NIfTI file, and the sizes of its voxels as they stand in it: nibabel puts 1 in the place of 0.

    A stream of gzip is read to its end afterwards, where its checksum stands.
    """
    kinds, packed = _nifti_kinds(file), file.name.lower().endswith(".gz")
    try:
        with _quiet(), file.open() as raw, _unpacked(raw, packed=packed) as stream:
            image = _loaded(stream, kinds)
            stream.seek(0)
            stored = image.header_class.from_fileobj(stream, check=False)
            yield image, tuple(abs(float(one)) * _scale(stored) for one in stored.get_zooms()[:3])
            seen = stream.tell()
            while packed and (piece := stream.read(PIECE)):
                seen += len(piece)
                limits.check_expansion(file.name, seen, size=file.size)
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"{file.name}: not a NIfTI file, or damaged ({first_line(error)})") from None


def _unpacked(raw: IO[bytes], *, packed: bool) -> AbstractContextManager[IO[bytes]]:
    """What a file holds. packed: whether it is a stream of gzip."""
    # To the type checker, GzipFile is no IO, though it has all of its methods.
    return gzip.GzipFile(fileobj=raw) if packed else nullcontext(raw)  # type: ignore[return-value]


def _nifti_kinds(file: SteadyFile) -> tuple[Any, Any]:
    """What reads NIfTI files of both versions. Raises: UsageError without nibabel."""
    try:
        from nibabel.nifti1 import Nifti1Image
        from nibabel.nifti2 import Nifti2Image
    except BROKEN_IMPORT as error:
        raise not_importable(error, f"{file.name}: NIfTI", "nibabel", "medical") from None
    return Nifti1Image, Nifti2Image


def read_mask(file: SteadyFile, limits: Limits) -> Picture:
    """The numbers of a mask in a PNG or TIFF file, (h, w) or (d, h, w).

    Raises: as `read_nifti`; InputError for an image in colours.
    """
    return _png(file, limits) if file.path.suffix.lower() == ".png" else _tiff(file, limits)


def read_photo(file: SteadyFile, limits: Limits) -> npt.NDArray[Any]:
    """The pixels of a PNG, JPEG or TIFF file, (h, w), (h, w, 3) or, of a TIFF, (d, h, w).

    Raises: as `read_nifti`.
    """
    if file.path.suffix.lower() in (".tif", ".tiff"):
        return _tiff(file, limits, colours=True).values
    opened = _pillow(file, "images", "PNG", "JPEG")
    try:
        with _quiet(), file.open() as stream, opened(stream) as image:
            width, height = image.size
            limits.check_expansion(file.name, 4 * width * height, size=file.size)
            plain = image.mode in GREY and image.mode not in ("1", "P")
            return np.asarray(image if plain else image.convert("RGB"))
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"{file.name}: not an image, or damaged ({first_line(error)})") from None


def _png(file: SteadyFile, limits: Limits) -> Picture:
    opened = _pillow(file, "PNG", "PNG")
    try:
        with _quiet(), file.open() as stream, opened(stream) as image:
            width, height = image.size
            limits.check_expansion(file.name, 4 * width * height, size=file.size)
            if image.mode not in GREY:
                raise _in_colours(file, image.mode)
            return Picture(np.asarray(image).astype(np.uint8) if image.mode == "1" else np.asarray(image))
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"{file.name}: not a PNG file, or damaged ({first_line(error)})") from None


def _pillow(file: SteadyFile, what: str, *formats: str) -> Callable[[IO[bytes]], Any]:
    """What opens a file of these formats, once the checksums of its parts are known to be right.

    Raises: UsageError without Pillow, which says what it is for.
    """
    try:
        from PIL import Image
    except BROKEN_IMPORT as error:
        raise not_importable(error, f"{file.name}: {what}", "PIL", "medical") from None

    def opened(stream: IO[bytes]) -> Any:
        with Image.open(stream, formats=formats) as image:
            image.verify()
        stream.seek(0)
        return Image.open(stream, formats=formats)

    return opened


def _tiff(file: SteadyFile, limits: Limits, *, colours: bool = False) -> Picture:
    try:
        from tifffile import TiffFile
    except BROKEN_IMPORT as error:
        raise not_importable(error, f"{file.name}: TIFF", "tifffile", "medical") from None
    try:
        with _quiet(), file.open() as stream, TiffFile(io.BytesIO(stream.read())) as tiff:
            series = tiff.series[0]
            alike = sum(one.shape == series.shape for one in tiff.series)
            if alike > 1:
                raise InputError(f"{file.name}: holds {alike} images of equal size, but one is needed for each case")
            limits.check_expansion(file.name, math.prod(series.shape) * series.dtype.itemsize, size=file.size)
            if "S" in series.axes and not colours:
                raise _in_colours(file, series.axes)
            return Picture(np.asarray(series.asarray()))
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"{file.name}: not a TIFF file, or damaged ({first_line(error)})") from None


def _in_colours(file: SteadyFile, mode: str) -> InputError:
    return InputError(
        f"{file.name}: an image in colours ({mode}), but a mask has one class number a pixel. Save numbers: "
        'Image.fromarray(labels.astype("uint8")).save(...)'
    )


def _loaded(stream: IO[bytes], kinds: tuple[Any, Any]) -> Any:
    from nibabel.fileholders import FileHolder

    try:
        return kinds[0].from_file_map({"image": FileHolder(fileobj=stream)}, mmap=False)
    except InputError:
        raise
    except Exception as first:  # noqa: BLE001 - nibabel's own errors are many; NIfTI-2 has another header
        try:
            return kinds[1].from_file_map({"image": FileHolder(fileobj=stream)}, mmap=False)
        except Exception:  # noqa: BLE001 - the same
            raise ValueError(first_line(first)) from None


_QUIET = ContextVar("quiet", default=False)


def _heard(record: logging.LogRecord) -> bool:
    """Whether what a library logs comes of somebody else's call."""
    del record
    return not _QUIET.get()


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of the libraries about headers are not for the user; sizes are checked here."""
    for name in ("nibabel.global", "tifffile"):
        logging.getLogger(name).addFilter(_heard)  # a filter that is there is not added again
    before = _QUIET.set(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _QUIET.reset(before)
