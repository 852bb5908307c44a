"""What a person should hear of how remote files are read; whoever listens collects it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Copied(NamedTuple):
    """A file that was copied as a whole, its bytes, and why."""

    name: str
    size: int
    why: str


Opening = Callable[[str, int, int], None]

_HEARD: ContextVar[list[Copied] | None] = ContextVar("_HEARD", default=None)
_OPENING: ContextVar[Opening | None] = ContextVar("_OPENING", default=None)


@contextmanager
def listening() -> Iterator[list[Copied]]:
    """What is told while this lasts.

    >>> with listening() as heard:
    ...     tell(Copied("a.csv", 9, "it is text"))
    >>> tell(Copied("b.csv", 9, "nobody hears this")), heard
    (None, [Copied(name='a.csv', size=9, why='it is text')])
    """
    heard: list[Copied] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


@contextmanager
def watching(opening: Opening) -> Iterator[None]:
    """Tell this function, while this lasts, how many of the files of a name are open."""
    token = _OPENING.set(opening)
    try:
        yield
    finally:
        _OPENING.reset(token)


def tell(one: Copied) -> None:
    """Tell of a file."""
    heard = _HEARD.get()
    if heard is not None and one not in heard:
        heard.append(one)


def tell_opening(name: str, done: int, total: int) -> None:
    """Tell how many of the files of a name are open."""
    opening = _OPENING.get()
    if opening is not None:
        opening(name, done, total)


def sentences(heard: Sequence[Copied]) -> list[str]:
    """One sentence for each reason, whichever file was copied first.

    >>> sentences([Copied("a.npz", 1000, "it must"), Copied("b.npz", 500, "it must"), Copied("c.csv", 7, "it is text")])
    ['2 files: all 1,500 bytes were copied, once, as it must', 'c.csv: all 7 bytes were copied, once, as it is text']
    """
    told = []
    for why in sorted({one.why for one in heard}, key=[one.why for one in heard].index):
        own = [one for one in heard if one.why == why]
        name = own[0].name if len(own) == 1 else f"{len(own)} files"
        told.append(f"{name}: all {sum(one.size for one in own):,} bytes were copied, once, as {why}")
    return told
