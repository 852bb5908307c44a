"""The result of every format module: named arrays whose shape and type are known before they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.row_source import RowSource
from calibeval.core.data.source import LogFacts
from calibeval.core.errors import InputError
from calibeval.readers.stored.digest import Extent
from calibeval.readers.stored.printed import as_printed


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A named array of a file. load() returns its values; arrays that are not used are never loaded.

    precision: the relative step between the stored numbers, if it is coarser than that of dtype, the type returned.
    origin: the columns of a table that it consists of, in words. columns: their names, also of class names that are
    those of columns. printed: whether the numbers were read from text.
    parts: the shards that the rows come from, with the number of rows of each.
    refusal: why the values are never read; load() then raises InputError. None for all that can be read.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], RowSource]
    precision: float | None = None
    refusal: str | None = None
    parts: tuple[tuple[str, int], ...] = ()
    origin: str | None = None
    printed: bool = False
    columns: tuple[str, ...] = ()

    @classmethod
    def refused(cls, shape: tuple[int, ...], dtype: np.dtype[Any], place: str, why: str) -> Stored:
        """An array whose values are never read: using it is an error.

        place: file and key, for the message.
        """
        return replace(cls.left(shape, why, f"{place} holds {why}"), dtype=dtype)

    @classmethod
    def left(cls, shape: tuple[int, ...], what: str, why: str) -> Stored:
        """An array that was left alone when the file was read: using it is an error.

        what: it holds, in a few words, as `inspect` lists it. why: the message of the error.
        """

        def refuse() -> RowSource:
            raise InputError(why)

        return cls(shape, np.dtype(object), refuse, refusal=what)

    @classmethod
    def of(cls, values: npt.NDArray[Any], precision: float | None = None, origin: str | None = None) -> Stored:
        """An array that is already in memory."""
        return cls(values.shape, values.dtype, lambda: values, precision, origin=origin)

    def array(self) -> npt.NDArray[Any]:
        """All values in memory."""
        source = self.load()
        return source if isinstance(source, np.ndarray) else source[0 : self.shape[0]]

    def scores(self) -> RowSource:
        """The values as scores: text that prints numbers of float32 is float32."""
        return as_printed(self.load()) if self.printed else self.load()

    def describe(self) -> str:
        """Shape and type for error messages, such as (5000, 10) float32."""
        return f"({', '.join(str(size) for size in self.shape)}) {self.dtype}"


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """All arrays of a file, and the extents of the file whose checksums are verified in the background.

    told: what was recognised in the file as a whole, in a few words each. log: what a log held; None for other files.
    narrowed: returns the contents of one task or question of a log.
    """

    arrays: dict[str, Stored]
    extents: tuple[Extent, ...] = ()
    told: tuple[str, ...] = ()
    log: LogFacts | None = None
    narrowed: Callable[[str], Contents] | None = None


def read_from_text(arrays: Mapping[str, Stored]) -> dict[str, Stored]:
    """The arrays of a file, marked as read from text."""
    return {key: replace(stored, printed=True) for key, stored in arrays.items()}
