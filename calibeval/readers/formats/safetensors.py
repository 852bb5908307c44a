"""`.safetensors`: eight bytes with the length of a JSON header, the header, and the values, read where they lie."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError
from calibeval.readers.stored.bfloat16 import BFLOAT16_PRECISION, widened_source
from calibeval.readers.stored.header import MOST_AXES, Header
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import NAME_KEYS
from calibeval.readers.stored.rows import values_in_file
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored

LENGTH = 8
LONGEST_HEADER = 2**24  # bytes that a dump may have; the format itself allows 100 MB
BFLOAT16 = "BF16"
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", BFLOAT16: "<u2", "BOOL": "u1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
}  # fmt: skip


class _Tensor(NamedTuple):
    """One entry of the header; begin and end of the values are bytes after the end of the header."""

    key: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_safetensors(file: SteadyFile, limits: Limits) -> Contents:
    """The tensors of a file; its metadata may hold `class_names` as a JSON list.

    Raises: InputError unless the header is complete, describes each tensor once, and its extents fill the file exactly.
    """
    arrays, metadata = _open(file, limits)
    return Contents({**arrays, **_names(metadata, arrays, file.name)})


def read_with_texts(file: SteadyFile, limits: Limits) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """All tensors as arrays, and the texts of the metadata.

    Raises: as `read_safetensors`.
    """
    arrays, metadata = _open(file, limits)
    texts = metadata if isinstance(metadata, dict) else {}
    if not all(isinstance(value, str) for value in texts.values()):
        raise InputError(f"{file.name}: __metadata__ must map names to texts")
    return {key: stored.array() for key, stored in arrays.items()}, texts


def _open(file: SteadyFile, limits: Limits) -> tuple[dict[str, Stored], Any]:
    """The tensors of a file, and its unchecked metadata."""
    size = file.size
    with file.open() as stream:
        first = stream.read(LENGTH)
        length = int.from_bytes(first, "little")
        if len(first) < LENGTH or length > min(LONGEST_HEADER, size - LENGTH):
            raise InputError(
                f"{file.name}: not a .safetensors file, or damaged: the file says that its header has {length} bytes, "
                f"but the file has {size}, and at most {LONGEST_HEADER} are read"
            )
        header = _header(stream.read(length), file.name)
    tensors = [_tensor(key, entry, file.name) for key, entry in header.items() if key != "__metadata__"]
    if not tensors:
        raise InputError(f"{file.name}: holds no tensors")
    start = LENGTH + length
    _check_extents(tensors, size - start, file.name)
    limits.check_expansion(file.name, size, size=size)
    return {tensor.key: _stored(file, tensor, start, limits) for tensor in tensors}, header.get("__metadata__")


def _header(text: bytes, name: str) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_object)
        json.dumps(header, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise InputError(f"{name}: the header is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{name}: the header is damaged ({error})") from None
    if not isinstance(header, dict):
        raise InputError(f"{name}: the header is not a JSON object")
    return header


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _tensor(key: str, entry: Any, name: str) -> _Tensor:
    """An entry of the header, after the checks that need no other entry."""
    place = f'{name}: tensor "{key}"'
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise InputError(f"{place}: the header must give its dtype, shape and data_offsets, and nothing else")
    shape, offsets, dtype = entry["shape"], entry["data_offsets"], entry["dtype"]
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise InputError(f"{place}: shape and data_offsets must be lists of non-negative integers")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise InputError(f"{place}: dtype {str(dtype)[:40]} is unknown; the dtypes are {', '.join(DTYPES)}")
    tensor = _Tensor(key, dtype, tuple(shape), *offsets)
    nbytes = math.prod(tensor.shape) * np.dtype(DTYPES[dtype]).itemsize
    if len(shape) > MOST_AXES:
        raise InputError(f"{place}: {len(shape)} axes, but at most {MOST_AXES} are read")
    if nbytes != tensor.end - tensor.begin:
        raise InputError(
            f"{place}: shape {str(shape)[:80]} of {dtype} takes {str(nbytes)[:20]} bytes, "
            f"but the header gives it {tensor.end - tensor.begin}"
        )
    return tensor


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**62 for value in values)


def _check_extents(tensors: Sequence[_Tensor], size: int, name: str) -> None:
    """Refuse tensors that overlap, leave a gap, or do not end where the file does."""
    position = 0
    for tensor in sorted(tensors, key=lambda one: (one.begin, one.end)):
        if tensor.begin != position:
            what = "overlaps another" if tensor.begin < position else "does not begin where the previous one ends"
            raise InputError(f'{name}: tensor "{tensor.key}" {what} (byte {tensor.begin}, expected {position})')
        position = tensor.end
    if position != size:
        raise InputError(f"{name}: the header describes {position} bytes of values, but the file holds {size}")


def _stored(file: SteadyFile, tensor: _Tensor, start: int, limits: Limits) -> Stored:
    header = Header.checked(tensor.shape, np.dtype(DTYPES[tensor.dtype]), f'{file.name}: tensor "{tensor.key}"')
    load: Callable[[], RowSource] = lambda: values_in_file(file, start + tensor.begin, header, limits)  # noqa: E731
    if tensor.dtype != BFLOAT16:
        return Stored(tensor.shape, header.dtype, load)
    return Stored(tensor.shape, np.dtype(np.float32), lambda: widened_source(load()), BFLOAT16_PRECISION)


def _names(metadata: Any, arrays: Mapping[str, Stored], name: str) -> dict[str, Stored]:
    """Class names from the metadata."""
    if metadata is None:
        return {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise InputError(f"{name}: __metadata__ must map names to texts")
    key = next((key for key in NAME_KEYS if key in metadata and key not in arrays), None)
    if key is None:
        return {}
    try:
        names = json.loads(metadata[key])
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(item, str) for item in names):
        raise InputError(f'{name}: "{key}" in __metadata__ must be a JSON list of strings')
    return {key: Stored.of(np.asarray(names))}
