"""The environment that made a report: versions, and the command line."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calibeval.core.data.records import Layout
from calibeval.core.version import VERSION


@dataclass(frozen=True, slots=True)
class Environment:
    """Versions, and the arguments of the command line as they were typed; None if there was no command line.

    kernel: what added up the rows, "numpy" or "native"; their numbers differ by rounding. None in older records.
    """

    LAYOUT: ClassVar = Layout(open=True)

    calibeval: str
    python: str
    numpy: str
    command: tuple[str, ...] | None = None
    kernel: str | None = None

    @classmethod
    def here(cls, command: Sequence[str] | None = None, kernel: str | None = None) -> Environment:
        """The environment of this process. command: the arguments of the command line; None from Python.
        kernel: see the class.

        >>> Environment.here(["report", "a.npz"]).command
        ('report', 'a.npz')
        """
        words = None if command is None else tuple(command)
        return cls(VERSION, platform.python_version(), np.__version__, words, kernel)
