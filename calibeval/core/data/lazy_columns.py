"""Columns that nobody may need: each is loaded when it is asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy.typing as npt

from calibeval.core.data.arguments import by_name


class LazyColumns(Mapping[str, npt.NDArray[Any]]):
    """One-dimensional arrays by name, behind functions that load them.

    lengths are known to be right before anything is loaded. left: functions that say, by raising InputError, why a
    column cannot be used: such columns are no members.

    >>> import numpy as np
    >>> columns = LazyColumns({"site": lambda: np.array(["a", "b"])})
    >>> [*columns], columns["site"].tolist()
    (['site'], ['a', 'b'])
    """

    def __init__(
        self,
        loaders: Mapping[str, Callable[[], npt.NDArray[Any]]],
        left: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        self._loaders = dict(loaders)
        self.left = dict(left or {})
        self._loaded: dict[str, npt.NDArray[Any]] = {}

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name]()
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)

    def __contains__(self, name: object) -> bool:
        return name in self._loaders

    def with_column(self, name: str, values: npt.NDArray[Any]) -> LazyColumns:
        """These columns and one more, or another in the place of one."""
        other = LazyColumns({**self._loaders, name: lambda: values}, self.left)
        other._loaded = {key: kept for key, kept in self._loaded.items() if key != name}
        return other


def refuse_left(columns: Mapping[str, Any], name: str) -> None:
    """Say why a column that a reader left alone cannot be used; return if it left none of that name alone.

    Raises: InputError.
    """
    if isinstance(columns, LazyColumns) and name in columns.left and name not in columns:
        columns.left[name]()


def tidied(
    columns: Mapping[str, Any] | None, check: Callable[[str, Any], npt.NDArray[Any]]
) -> Mapping[str, npt.NDArray[Any]]:
    """Columns as checked arrays; those that a reader has checked stay in the file until they are used.

    check: makes an array of a column, or raises InputError.
    """
    if isinstance(columns, LazyColumns):
        return columns
    return {name: check(name, values) for name, values in by_name("columns", columns).items()}
