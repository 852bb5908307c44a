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
    """Versions, and the arguments of the command line as they were typed; None if there was no command line."""

    LAYOUT: ClassVar = Layout(open=True)

    calibeval: str
    python: str
    numpy: str
    command: tuple[str, ...] | None = None

    @classmethod
    def here(cls, command: Sequence[str] | None = None) -> Environment:
        """The environment of this process. command: the arguments of the command line; None from Python.

        >>> Environment.here(["report", "a.npz"]).command
        ('report', 'a.npz')
        """
        return cls(VERSION, platform.python_version(), np.__version__, None if command is None else tuple(command))
