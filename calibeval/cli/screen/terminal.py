"""What the terminal can show: its width, colours and characters."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NamedTuple

NARROW, WIDE, PIPED = 40, 200, 100


class Screen(NamedTuple):
    """Columns, whether colours are wanted, and whether only ASCII can be shown."""

    width: int
    color: bool
    ascii_only: bool


def screen() -> Screen:
    """What standard output can show; the width is that of the terminal, or 100 for a pipe. NO_COLOR is respected."""
    terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size((PIPED, 24)).columns if terminal or "COLUMNS" in os.environ else PIPED
    color = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        "│▓·–≤".encode(sys.stdout.encoding or "ascii")
        ascii_only = False
    except (UnicodeEncodeError, LookupError):
        ascii_only = True
    return Screen(min(max(columns, NARROW), WIDE), color, ascii_only)
