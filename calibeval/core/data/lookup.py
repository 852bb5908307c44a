"""What reports, comparisons and verdicts have in common: access to results by name, like a read-only mapping."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import ClassVar, Generic, TypeVar

from calibeval.core.errors import UnknownMetric, nearest

T = TypeVar("T")


class Lookup(Generic[T]):
    """Results by name: `x["ece"]`, `"ece" in x`, `len(x)`, `list(x)`, `x.items()`, `dict(x)`.

    An unknown name raises UnknownMetric, which is a KeyError, with the nearest known name.
    """

    __slots__ = ()
    NOUN: ClassVar[str] = "metric"

    def by_name(self) -> Mapping[str, T]:
        """The results by their names, in their order."""
        raise NotImplementedError

    def __getitem__(self, name: str) -> T:
        found = self.by_name()
        if not isinstance(name, str) or name not in found:
            known = ", ".join(found) or "none"
            raise UnknownMetric(f'{self.NOUN} "{name}" is unknown{nearest(str(name), found)}; there are {known}')
        return found[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.by_name()

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name())

    def __len__(self) -> int:
        return len(self.by_name())

    def __bool__(self) -> bool:
        return True

    def keys(self) -> KeysView[str]:
        """The names."""
        return self.by_name().keys()

    def values(self) -> ValuesView[T]:
        """The results."""
        return self.by_name().values()

    def items(self) -> ItemsView[str, T]:
        """Names with their results."""
        return self.by_name().items()

    def get(self, name: str, default: T | None = None) -> T | None:
        """The result of that name, or the default if there is none."""
        return self.by_name().get(name, default) if isinstance(name, str) else default

    def _ipython_key_completions_(self) -> list[str]:
        """The names that a notebook completes inside the brackets."""
        return list(self.by_name())
