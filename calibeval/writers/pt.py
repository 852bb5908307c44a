"""`.pt` in the format of `torch.save`, without torch: a zip of a pickle, built here, and the bytes of the tensors."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

import numpy as np

from calibeval.writers.arrays import EPOCH
from calibeval.writers.sheet import Array, CannotHold, Sheet, plain

ROOT = "archive"
ALIGNMENT = 64
LOCAL_HEADER = 30  # bytes before a member's name
ZIP64_EXTRA = 20  # bytes that zipfile adds to the header of a member that may be large
PADDING = b"FB"  # the extra field that torch also uses to fill up the header
BATCH = 1000
STORAGES = {
    "<f8": "Double",
    "<f4": "Float",
    "<f2": "Half",
    "<i8": "Long",
    "<i4": "Int",
    "<i2": "Short",
    "|i1": "Char",
    "|u1": "Byte",
    "|b1": "Bool",
}  # storage types of torch, by numpy type


def write_pt(sheet: Sheet, file: IO[bytes]) -> None:
    """A dict of tensors; text columns and class names are lists, and the ignored label is a number.

    `torch.load(path, weights_only=True)` reads it.
    """
    pickle = _Pickle()
    pickle.key(sheet.kind)
    pickle.tensor(sheet.dtype, sheet.shape, sheet.blocks)
    for name, values in sheet.columns.items():
        pickle.key(name)
        column = _column(name, values)
        if column.dtype.kind in "OU":
            if column.ndim != 1:
                raise CannotHold(f'"{name}" holds text in {column.ndim} dimensions')
            pickle.texts(column.tolist())
        else:
            _add_tensor(pickle, column)
    if sheet.class_names is not None:
        pickle.key("class_names")
        pickle.texts(sheet.class_names)
    if sheet.ignore_index is not None:
        pickle.key("ignore_index")
        pickle.integer(int(sheet.ignore_index))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _member(archive, file, "data.pkl", [pickle.text()])
        _member(archive, file, "byteorder", [b"little"])
        for number, (dtype, blocks) in enumerate(pickle.storages):
            _member(archive, file, f"data/{number}", (block.astype(dtype).tobytes() for block in blocks()))
        _member(archive, file, "version", [b"3\n"])


def _column(name: str, values: Array) -> Array:
    """A column in a type that torch has; integers that are too large become text."""
    values = plain(name, values)
    if values.dtype.kind != "u" or values.dtype.itemsize == 1:
        return values
    if not values.size or values.max() <= np.iinfo(np.int64).max:
        return values.astype(np.int64)
    texts = np.empty(values.shape, object)
    texts[...] = [str(value) for value in values.tolist()]
    return texts


def _add_tensor(pickle: _Pickle, values: Array) -> None:
    dtype = values.dtype.newbyteorder("<").str
    pickle.tensor(dtype, values.shape, lambda: iter((values,)))


def _member(archive: zipfile.ZipFile, file: IO[bytes], name: str, pieces: Iterable[bytes]) -> None:
    """One stored member; as with torch, its bytes begin at a multiple of 64, so that they can be mapped."""
    info = zipfile.ZipInfo(f"{ROOT}/{name}", EPOCH)
    before = file.tell() + LOCAL_HEADER + len(info.filename.encode()) + ZIP64_EXTRA + 4
    fill = -before % ALIGNMENT
    info.extra = PADDING + struct.pack("<H", fill) + b"Z" * fill
    with archive.open(info, "w", force_zip64=True) as member:
        for piece in pieces:
            member.write(piece)


class _Pickle:
    """The pickle (protocol 2) of a dict of texts, integers, lists of texts, and tensors by number."""

    def __init__(self) -> None:
        self._parts = [b"\x80\x02}("]  # protocol, empty dict, mark
        self.storages: list[tuple[str, Callable[[], Iterator[Array]]]] = []

    def text(self) -> bytes:
        """The whole pickle."""
        return b"".join([*self._parts, b"u."])  # set items, stop

    def key(self, key: str) -> None:
        """The key of the next value."""
        self._parts.append(_text(key))

    def integer(self, value: int) -> None:
        """An integer."""
        self._parts.append(_integer(value))

    def texts(self, values: Sequence[str]) -> None:
        """A list of texts."""
        self._parts.append(b"]")
        for start in range(0, len(values), BATCH):
            self._parts += [b"(", *map(_text, values[start : start + BATCH]), b"e"]

    def tensor(self, dtype: str, shape: Sequence[int], blocks: Callable[[], Iterator[Array]]) -> None:
        """A contiguous tensor, with its values in blocks."""
        number, size = len(self.storages), int(np.prod(shape, dtype=np.int64))
        steps = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]
        storage = b"(%sctorch\n%sStorage\n%s%s%st" % (
            _text("storage"),
            STORAGES[dtype].encode(),
            _text(str(number)),
            _text("cpu"),
            _integer(size),
        )
        self._parts.append(
            b"ctorch._utils\n_rebuild_tensor_v2\n(%sQK\0%s%s\x89ccollections\nOrderedDict\n)RtR"
            % (storage, _tuple(shape), _tuple(steps))
        )
        self.storages.append((dtype, blocks))


def _text(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise CannotHold("a text holds half of a surrogate pair, which is not a character") from None
    return b"X" + struct.pack("<I", len(data)) + data


def _integer(value: int) -> bytes:
    if 0 <= value < 2**8:
        return b"K" + bytes([value])
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def _tuple(values: Sequence[int]) -> bytes:
    return b"(" + b"".join(map(_integer, values)) + b"t"
