"""`.npz` and `.safetensors`: arrays by name; equal dumps give equal files."""

from __future__ import annotations

import json
import zipfile
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from calibeval.core.data.class_names import number_of
from calibeval.writers.sheet import Array, CannotHold, Sheet, as_texts, plain
from calibeval.writers.tensors import CODES

EPOCH = (1980, 1, 1, 0, 0, 0)
WIDEST_TEXT = 2**30  # bytes of one text column, in which every entry takes as many as the longest


def write_npz(sheet: Sheet, file: IO[bytes]) -> None:
    """Uncompressed members with a fixed date, so that blocks can be read, and equal dumps are equal files."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(zipfile.ZipInfo(f"{sheet.kind}.npy", EPOCH), "w", force_zip64=True) as member:
            header = {"descr": sheet.dtype, "fortran_order": False, "shape": sheet.shape}
            npy_format.write_array_header_1_0(member, header)
            for scores in sheet.blocks():
                member.write(scores.tobytes())
        for key, values in _members(sheet).items():
            with archive.open(zipfile.ZipInfo(f"{key}.npy", EPOCH), "w", force_zip64=True) as member:
                npy_format.write_array(member, values, allow_pickle=False)


def _members(sheet: Sheet) -> dict[str, Array]:
    """Everything except the scores, by key, in types that need no pickle."""
    found: dict[str, Array] = {}
    for name, values in sheet.columns.items():
        found[name] = _fixed_width(name, values) if values.dtype.kind == "O" else values
    if sheet.class_names is not None:
        _free(found, "class_names")
        found["class_names"] = np.asarray(sheet.class_names, dtype=str)
    if sheet.ignore_index is not None:
        _free(found, "ignore_index")
        found["ignore_index"] = np.asarray(sheet.ignore_index)
    return found


def _free(found: dict[str, Array], key: str) -> None:
    if key in found:
        raise CannotHold(f'there is a column "{key}", which would be read as something other than a column')


def _fixed_width(name: str, values: Array) -> Array:
    texts = as_texts(values)
    widest = max(map(len, texts), default=0)
    if 4 * widest * len(texts) > WIDEST_TEXT:
        raise CannotHold(
            f'a text in column "{name}" has {widest:,} characters, and every other text would take as much space'
        )
    return np.asarray(texts, dtype=str)


def write_safetensors(sheet: Sheet, file: IO[bytes]) -> None:
    """Tensors, with the class names in the metadata; other texts cannot be held."""
    arrays = {name: _tensor(name, values) for name, values in sheet.columns.items()}
    if sheet.ignore_index is not None:
        _free(arrays, "ignore_index")
        arrays["ignore_index"] = np.asarray(sheet.ignore_index, "<i8")
    _free(arrays, sheet.kind)
    sizes: dict[str, Any] = {sheet.kind: (CODES[sheet.dtype], sheet.shape, sheet.nbytes)}
    sizes |= {name: (CODES[values.dtype.str], values.shape, values.nbytes) for name, values in arrays.items()}
    header: dict[str, Any] = {}
    end = 0
    if sheet.class_names is not None:
        header["__metadata__"] = {"class_names": json.dumps(sheet.class_names, ensure_ascii=False)}
    for name, (code, shape, nbytes) in sizes.items():
        header[name] = {"dtype": code, "shape": list(shape), "data_offsets": [end, end + nbytes]}
        end += nbytes
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for scores in sheet.blocks():
        file.write(scores.tobytes())
    for values in arrays.values():
        file.write(values.tobytes())


def _tensor(name: str, values: Array) -> Array:
    """A column as a tensor; text is only possible if each is a number."""
    values = plain(name, values)
    if values.dtype.kind in "OU":
        numbers = [number_of(text) for text in values.ravel().tolist()]
        if any(number is None or abs(number) >= 2**63 for number in numbers):
            raise CannotHold(f'"{name}" holds text')
        values = np.array(numbers).reshape(values.shape)
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
