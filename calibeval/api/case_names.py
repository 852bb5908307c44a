"""How a folder of cases is named."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Named(NamedTuple):
    """A folder of cases under its title, or one region of them: `folder#region`."""

    title: str | None
    path: Path
    region: str | None = None

    @classmethod
    def of(cls, title: str | None, word: str) -> Named:
        """The folder of that name; a folder whose name has a # wins."""
        folder, mark, region = word.rpartition("#")
        if mark and not Path(word).exists() and Path(folder).is_dir():
            return cls(title, Path(folder), region)
        return cls(title, Path(word))
