"""Widths of text, without a font at hand: those of DejaVu Sans, which is wider than most sans-serif fonts."""

from __future__ import annotations

import unicodedata

from calibeval.core.data.ci_commands import without_commands
from calibeval.words.marks import shorten

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# Of the characters from space to tilde, in hundredths of the size, rounded up.
_REGULAR = (
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84,
    84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69, 99, 69, 62,
    69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53, 40, 64, 60,
    82, 60, 60, 53, 64, 34, 64, 84,
)  # fmt: skip
_BOLD = (
    35, 46, 53, 84, 70, 101, 88, 31, 46, 46, 53, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40, 84,
    84, 84, 59, 100, 78, 77, 74, 84, 69, 69, 83, 84, 38, 38, 78, 64, 100, 84, 86, 74, 86, 78, 73, 69, 82, 78, 111, 78,
    73, 73, 46, 37, 46, 84, 50, 50, 68, 72, 60, 72, 68, 44, 72, 72, 35, 35, 67, 35, 105, 72, 69, 72, 72, 50, 60, 48, 72,
    66, 93, 65, 66, 59, 72, 37, 72, 84,
)  # fmt: skip
_OTHERS = {"–": 50, "·": 38, "…": 100, "−": 84, "≤": 84, UNKNOWN: 112}
_LETTER, _WIDE = 80, 112
# Longer names are shortened to this many characters first.
_LONGEST = 1000


def text_width(text: str, points: float, *, bold: bool = False) -> float:
    """Width of one line of text of that size, in points; most fonts need less.

    >>> text_width("00", 10.0), text_width("00", 10.0, bold=True)
    (12.8, 14.0)
    """
    table = _BOLD if bold else _REGULAR
    return sum(table[ord(c) - 32] if " " <= c <= "~" else _other(c) for c in text) * points / 100.0


def printable(name: str) -> str:
    r"""The name as one line that any drawing can hold.

    Runs of white space become one space; control characters and invisible marks become a replacement character, and
    accents that belong to no letter are left out.

    >>> printable("a\n$\\bad{$\x1b[1m")
    'a $\\bad{$�[1m'
    """
    composed = unicodedata.normalize("NFC", " ".join(shorten(name, _LONGEST).split()))
    kept = (char for char in composed if unicodedata.category(char) not in ("Mn", "Me"))
    return without_commands("".join(char if _is_safe(char) else UNKNOWN for char in kept))


def _is_safe(char: str) -> bool:
    """Whether the character is visible, does not reorder others, and is allowed in XML."""
    return char == " " or (unicodedata.category(char)[0] not in "CZ" and char not in "\ufffe\uffff")


def _other(char: str) -> int:
    if char in _OTHERS:
        return _OTHERS[char]
    return _WIDE if unicodedata.east_asian_width(char) in "WF" else _LETTER
