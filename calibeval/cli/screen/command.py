"""The command line as it was typed, which is recorded in the files that are written."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

from calibeval.readers.stored.place import as_shown

if TYPE_CHECKING:
    from calibeval.core.data.environment import Environment

WORDS: ContextVar[tuple[str, ...]] = ContextVar("WORDS", default=())

# Options that change neither a result nor where it is written.
SILENT = ("-q", "--quiet", "--debug")
# What does the work: the same for any number of threads, and for any workers.
WORKERS = ("--jobs", "--engine")


def environment() -> Environment:
    """The versions and the command line that a report records."""
    from calibeval.core.data.environment import Environment
    from calibeval.core.sums.kernel import kernel_name

    return Environment.here(telling(WORDS.get()), kernel_name())


def telling(words: Sequence[str]) -> tuple[str, ...]:
    """The words without options that do not affect the output: it is the same for any number of threads or workers.

    URLs lose passwords and signatures.

    >>> telling(["report", "a.npz", "--jobs", "2", "-q", "--bins=5"])
    ('report', 'a.npz', '--bins=5')
    """
    pairs = zip(("", *words), words, strict=False)
    return tuple(
        as_shown(word) for before, word in pairs
        if word not in (*SILENT, *WORKERS) and before not in WORKERS and word.partition("=")[0] not in WORKERS
    )  # fmt: skip
