"""`.h5`: datasets by their paths, of which each is read only when it is used (extra `hdf5`)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError, cut
from calibeval.readers.formats.h5_process import h5_process
from calibeval.readers.formats.texts import Texts
from calibeval.readers.stored.header import Header
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import IGNORE_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored

PIECE = 2**24
TEXTS = 2**13  # rows of a piece of texts


def read_h5(file: SteadyFile, limits: Limits) -> Contents:
    """The datasets of a file. One in a group is called as the group, an underscore, and its own name: val_logits.

    Attributes of groups and datasets may be class names, and the label to ignore.
    Raises: InputError for a file that is damaged, tables of pandas, or datasets of one name.
    """
    found, _ = h5_process().ask(file, {"do": "list"})
    arrays: dict[str, Stored] = {}
    for one in found["arrays"]:
        key = _key(one["path"])
        if key in arrays:
            raise InputError(f'{file.name}: two datasets would be called "{cut(key)}"')
        arrays[key] = _stored(file, one, limits)
    for path in found["tables"]:
        key = _key(path) if path else "the file"
        why = 'a table of pandas (to_hdf), which is not read. Write it with df.to_parquet("dump.parquet").'
        if not arrays:
            raise InputError(f'{file.name}: "{cut(key)}" holds {why}')
        arrays.setdefault(key, Stored.refused((), np.dtype(object), f'{file.name}: "{cut(key)}"', why))
    for fact in found["facts"]:
        key = _key(f"{fact['group']}/{fact['key']}" if fact["group"] else fact["key"])
        arrays.setdefault(key, _fact(fact["key"], fact["value"], f'{file.name}: the attribute "{fact["key"]}"'))
    if not arrays:
        raise InputError(f"{file.name}: holds no datasets")
    return Contents(arrays)


def _key(path: str) -> str:
    """The key of a dataset: that of a/b/c is a/b_c, so that a/b is a split."""
    group, _, name = path.rpartition("/")
    return f"{group}_{name}" if group else name


def _fact(key: str, value: Any, place: str) -> Stored:
    """Class names, or the label to ignore."""
    if key in IGNORE_KEYS:
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if type(value) is not int:
            raise InputError(f"{place} must be an integer")
        return Stored.of(np.asarray(value))
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise InputError(f"{place} must be a list of texts")
    return Stored.of(np.asarray(value))


def _stored(file: SteadyFile, found: dict[str, Any], limits: Limits) -> Stored:
    place, shape = f'{file.name}: "{cut(found["path"])}"', tuple(found.get("shape", ()))
    if "why" in found:
        return Stored.refused(shape, np.dtype(object), place, found["why"])
    rows = _H5Rows(file, found, place, limits)
    if found["type"] == "text":
        return Stored(shape, np.dtype(object), rows.texts)
    return Stored(shape, rows.dtype, rows.load)


class _H5Rows:
    """The rows of a dataset, which are read in pieces of whole chunks; the last piece is kept."""

    def __init__(self, file: SteadyFile, found: dict[str, Any], place: str, limits: Limits) -> None:
        self._file, self._path, self._kind, self._limits = file, found["path"], found["type"], limits
        text = self._kind == "text"
        header = Header.checked(tuple(found["shape"]), np.dtype(object if text else self._kind), place)
        self.shape, self.dtype = header.shape, header.dtype
        self._row = math.prod(self.shape[1:]) * max(self.dtype.itemsize, found["entry"])
        chunks = found["chunks"]
        self._chunk = math.prod(chunks) * found["entry"]
        usual = TEXTS if text else max(1, PIECE // max(self._row, 1))
        step = chunks[0] if chunks else 1
        self._step = -(-usual // step) * step
        self._piece: tuple[int, npt.NDArray[Any]] = 0, np.empty((0, *self.shape[1:]), self.dtype)

    def load(self) -> RowSource:
        """All rows in memory, or, if they are too many, read when they are needed.

        Raises: InputError for more bytes than the limits allow.
        """
        size = self._row * (self.shape[0] if self.shape else 1)
        self._limits.check_expansion(self._file.name, max(size, self._chunk), size=self._file.size)
        if not math.prod(self.shape):
            return np.empty(self.shape, self.dtype)
        if size > self._limits.max_memory and self.shape:
            return self
        if not self.shape:
            return self._read(0, 1).reshape(())
        found = np.empty(self.shape, self.dtype)
        for start in range(0, self.shape[0], self._step):
            found[start : start + self._step] = self._read(start, min(start + self._step, self.shape[0]))
        return found

    def texts(self) -> RowSource:
        """All texts."""
        count = math.prod(self.shape)
        self._limits.check_expansion(self._file.name, max(self._row, 8) * count, size=self._file.size)
        if not count:
            return np.empty(self.shape, "<U1")
        texts = Texts(self._limits.max_memory)
        rows = self.shape[0] if self.shape else 1
        for start in range(0, rows, self._step):
            texts.add(self._ask(start, min(start + self._step, rows), self._texts_of), f"{self._file.name}")
        return texts.array().reshape(self.shape)

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """Consecutive rows.

        Raises: InputError if the file has changed since it was opened, or is damaged.
        """
        begin, stop, _ = rows.indices(self.shape[0])
        found = np.empty((max(stop - begin, 0), *self.shape[1:]), self.dtype)
        at = begin
        while at < stop:
            first = at // self._step * self._step
            kept, piece = self._piece
            if kept != first or not len(piece):
                piece = self._read(first, min(first + self._step, self.shape[0]))
                self._piece = first, piece
            end = min(stop, first + self._step)
            found[at - begin : end - begin] = piece[at - first : end - first]
            at = end
        return found

    def _read(self, start: int, stop: int) -> npt.NDArray[Any]:
        return self._ask(start, stop, self._numbers_of)

    def _ask(
        self, start: int, stop: int, made: Callable[[dict[str, Any], bytearray], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        size = max((stop - start) * self._row, self._chunk)
        request = {"do": "read", "path": self._path, "start": start, "stop": stop, "type": self._kind, "size": size}
        found = made(*h5_process().ask(self._file, request))
        if len(found) != (stop - start) * (1 if found.shape[1:] else math.prod(self.shape[1:])):
            raise InputError(f"{self._file.name}: damaged: {len(found)} rows instead of {stop - start}")
        return found

    def _numbers_of(self, _: dict[str, Any], data: bytearray) -> npt.NDArray[Any]:
        if self._row and len(data) % self._row:
            raise InputError(f"{self._file.name}: damaged: {len(data)} bytes instead of whole rows")
        return np.frombuffer(data, self.dtype).reshape(-1, *self.shape[1:])

    def _texts_of(self, answer: dict[str, Any], _: bytearray) -> npt.NDArray[np.object_]:
        return np.array([*answer["texts"], None], object)[:-1]
