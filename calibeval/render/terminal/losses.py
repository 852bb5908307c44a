"""A table as in papers: one row per loss, before and after temperature scaling; best bold, second best underlined."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from calibeval.core.heads.results import Finetuned
from calibeval.words.losses import halves, notes, sentence
from calibeval.words.names import visible

BOLD, UNDERLINE, PLAIN = "\x1b[1m", "\x1b[4m", "\x1b[0m"
SIGNS = ("*", "+")


def terminal(found: Finetuned, *, width: int, color: bool, ascii_only: bool) -> str:
    """The table for a terminal; without colour the best has a star, the second a plus."""
    parts = [textwrap.fill(sentence(found), width)]
    for half in halves(found):
        rows = [[half.title, *half.headings]]
        rows += [[visible(name), *(cell.text for cell in line)] for name, line in half.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [_aligned(rows[0], widths, [-1] * len(widths), color)]
        for (_, line), row in zip(half.rows, rows[1:], strict=True):
            lines.append(_aligned(row, widths, [-1, *(cell.place for cell in line)], color))
        parts.append("\n".join(lines))
    marks = "best bold, second underlined" if color else "best *, second +"
    shown = [*([marks] if len(found.losses) > 1 else []), *notes(found)]
    parts.append("\n".join(textwrap.fill(visible(note), width, subsequent_indent="  ") for note in shown))
    text = "\n\n".join(parts) + "\n"
    return text.replace("±", "+-") if ascii_only else text


def _aligned(row: Sequence[str], widths: Sequence[int], places: Sequence[int], color: bool) -> str:
    """A line of the table: the name left-aligned, numbers right-aligned, each with room for its mark."""
    parts = [row[0].ljust(widths[0])]
    for text, width, place in zip(row[1:], widths[1:], places[1:], strict=True):
        blank = " " * (width - len(text))
        if place not in (0, 1):
            parts.append(f"{blank}{text} ")
        elif color:
            parts.append(f"{blank}{(BOLD, UNDERLINE)[place]}{text}{PLAIN} ")
        else:
            parts.append(f"{blank}{text}{SIGNS[place]}")
    return "  ".join(parts).rstrip()
