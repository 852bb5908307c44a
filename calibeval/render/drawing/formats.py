"""The formats of figures."""

from __future__ import annotations

from typing import Literal

from calibeval.core.errors import UsageError

FigureFormat = Literal["svg", "png", "pdf"]
_ALL: tuple[FigureFormat, ...] = ("svg", "png", "pdf")


def figure_format(suffix: str) -> FigureFormat:
    """The format of a file's suffix.

    Raises: UsageError unless it is .svg, .png or .pdf.

    >>> figure_format(".PDF")
    'pdf'
    """
    for known in _ALL:
        if suffix.lower() == f".{known}":
            return known
    raise UsageError(f'a figure cannot be a "{suffix}" file; formats are .svg, .png and .pdf')
