"""Pictures as PNG, from colours by number: the same bytes for the same picture.

Format: W3C, Portable Network Graphics, https://www.w3.org/TR/png-3/.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Rgb = tuple[int, int, int]
Bytes = npt.NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INDEXED, _COLOURS = 3, 2


class Raster(NamedTuple):
    """A picture: `numbers` (h, w), the number of each pixel's colour in `colours`; at most 256 of these."""

    numbers: Bytes
    colours: tuple[Rgb, ...]

    @property
    def rgb(self) -> Bytes:
        """The colours of all pixels, (h, w, 3)."""
        return np.array(self.colours, np.uint8)[self.numbers]

    def png(self) -> bytes:
        """The picture as a file."""
        palette = np.array(self.colours, np.uint8).tobytes()
        return _file(self.numbers, _INDEXED, [(b"PLTE", palette)])


class Photo(NamedTuple):
    """A picture in any colours, (h, w, 3)."""

    rgb: Bytes

    def png(self) -> bytes:
        """The picture as a file."""
        height, width, _ = self.rgb.shape
        return _file(self.rgb.reshape(height, 3 * width), _COLOURS, [], width)


Picture = Raster | Photo


def from_hex(colour: str) -> Rgb:
    """A colour as three numbers.

    >>> from_hex("#0072b2")
    (0, 114, 178)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def to_hex(colour: Rgb) -> str:
    """A colour as in a style sheet.

    >>> to_hex((0, 114, 178))
    '#0072b2'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ramp(stops: Sequence[Rgb], count: int) -> tuple[Rgb, ...]:
    """That many colours from the first stop to the last one, in equal steps.

    >>> ramp([(0, 0, 0), (100, 200, 50)], 3)
    ((0, 0, 0), (50, 100, 25), (100, 200, 50))
    """
    places, own = np.linspace(0.0, 1.0, count), np.linspace(0.0, 1.0, len(stops))
    parts = [np.interp(places, own, [stop[part] for stop in stops]).round().astype(int) for part in range(3)]
    return tuple((int(red), int(green), int(blue)) for red, green, blue in zip(*parts, strict=True))


def _file(rows: Bytes, colour: int, more: Sequence[tuple[bytes, bytes]], width: int | None = None) -> bytes:
    """A file of 8 bits a sample. rows: (h, bytes of a row). width: in pixels, if it is not that of the rows."""
    height, length = rows.shape
    head = struct.pack(">IIBBBBB", width or length, height, 8, colour, 0, 0, 0)
    unfiltered = np.zeros((height, length + 1), np.uint8)  # each row begins with the number of its filter: none
    unfiltered[:, 1:] = rows
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(unfiltered.tobytes(), 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
