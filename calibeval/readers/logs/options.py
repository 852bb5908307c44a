"""What a person says about a log in addition to what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from calibeval.core.errors import UsageError, nearest

NORMALIZE: Final = ("none", "chars", "bytes")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """filter: of several filters, the one whose answers are read. normalize: what log-likelihoods are divided by."""

    filter: str | None = None
    normalize: str = "none"


def log_options(chosen: str | None = None, normalize: str | None = None) -> LogOptions:
    """The options as a person wrote them. chosen: the filter.

    Raises: UsageError for an unknown value.
    """
    return LogOptions(chosen, one_of("--normalize", normalize, NORMALIZE))


def one_of(option: str, value: str | None, known: tuple[str, ...]) -> str:
    """The value of an option that has a few; the first is the default.

    Raises: UsageError for any other value, with the nearest.

    >>> one_of("--normalize", None, NORMALIZE), one_of("--normalize", "bytes", NORMALIZE)
    ('none', 'bytes')
    """
    if value is None:
        return known[0]
    if value not in known:
        raise UsageError(f'{option} "{value}" is unknown{nearest(value, known)}; there are {", ".join(known)}')
    return value
