"""What a person should hear of how a remote file was read; whoever listens collects it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_HEARD: ContextVar[list[str] | None] = ContextVar("_HEARD", default=None)


@contextmanager
def listening() -> Iterator[list[str]]:
    """The sentences that are said while this lasts.

    >>> with listening() as heard:
    ...     tell("it took long")
    >>> tell("nobody hears this"), heard
    (None, ['it took long'])
    """
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def tell(sentence: str) -> None:
    """Say a sentence."""
    heard = _HEARD.get()
    if heard is not None and sentence not in heard:
        heard.append(sentence)
