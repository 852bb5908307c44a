"""The letters that matplotlib's own font has."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import get_font

from calibeval.render.drawing.letters import UNKNOWN

FONT = "DejaVu Sans"


def known(text: str) -> str:
    """The text, with a replacement character for each letter that the font lacks.

    >>> known("a模")
    'a�'
    """
    there = _letters()
    return "".join(char if ord(char) in there else UNKNOWN for char in text)


@cache
def _letters() -> frozenset[int]:
    """Those of the font in matplotlib's own files, not of one that the system has under the same name."""
    return frozenset(get_font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")).get_charmap())
