"""The command line as it was typed, for the files that say how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calibeval.core.data.environment import Environment

WORDS: ContextVar[tuple[str, ...]] = ContextVar("WORDS", default=())

# What changes neither a number nor where it is written, alone or with a value.
SILENT = ("-q", "--quiet", "--debug")
THREADS = "--jobs"


def environment() -> Environment:
    """With what this command line makes its reports."""
    from calibeval.core.data.environment import Environment

    return Environment.here(telling(WORDS.get()))


def telling(words: Sequence[str]) -> tuple[str, ...]:
    """The words without those that change no output: however many threads there are, the same bytes come out.

    >>> telling(["report", "a.npz", "--jobs", "2", "-q", "--bins=5"])
    ('report', 'a.npz', '--bins=5')
    """
    pairs = zip(("", *words), words, strict=False)
    return tuple(
        word for before, word in pairs
        if word not in (*SILENT, THREADS) and before != THREADS and not word.startswith(f"{THREADS}=")
    )  # fmt: skip
