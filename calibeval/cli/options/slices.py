"""The files that slices name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def shot_files(slices: Sequence[str]) -> list[Path]:
    """The files of training counts."""
    if not any(":" in word for word in slices):
        return []
    from calibeval.core.data.shots import shots_word

    return [Path(word.file.partition("#")[0]) for text in slices if (word := shots_word(text)) is not None]
