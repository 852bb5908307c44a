"""A table as in papers: one row per loss, before and after temperature scaling; the best marked, certain or not."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from calibeval.core.heads.results import Finetuned
from calibeval.words.losses import Mark, legend, notes, parts, sentences
from calibeval.words.names import visible

BOLD, UNDERLINE, PLAIN = "\x1b[1m", "\x1b[4m", "\x1b[0m"
CODES = {Mark.CERTAIN: BOLD, Mark.BEST: UNDERLINE}
SIGNS = {Mark.CERTAIN: "*", Mark.BEST: "+"}


def terminal(found: Finetuned, *, width: int, color: bool, ascii_only: bool) -> str:
    """The table for a terminal; without colour, a certain best has a star, another one a plus."""
    blocks = ["\n".join(textwrap.fill(visible(line), width) for line in sentences(found))]
    for half in parts(found):
        rows = [[half.title, *half.headings]]
        rows += [[visible(name), *(cell.text for cell in line)] for name, line in half.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [_aligned(rows[0], widths, [Mark.NONE] * len(widths), color)]
        for (_, line), row in zip(half.rows, rows[1:], strict=True):
            lines.append(_aligned(row, widths, [Mark.NONE, *(cell.mark for cell in line)], color))
        blocks.append("\n".join(lines))
    signs = ("bold", "underlined") if color else (SIGNS[Mark.CERTAIN], SIGNS[Mark.BEST])
    shown = [*legend(found, *signs), *notes(found)]
    blocks.append("\n".join(textwrap.fill(visible(note), width, subsequent_indent="  ") for note in shown))
    text = "\n\n".join(blocks) + "\n"
    return text.replace("±", "+-") if ascii_only else text


def _aligned(row: Sequence[str], widths: Sequence[int], marks: Sequence[Mark], color: bool) -> str:
    """A line of the table: the name left-aligned, numbers right-aligned, each with room for its mark."""
    parts = [row[0].ljust(widths[0])]
    for text, width, mark in zip(row[1:], widths[1:], marks[1:], strict=True):
        blank = " " * (width - len(text))
        if mark is Mark.NONE:
            parts.append(f"{blank}{text} ")
        elif color:
            parts.append(f"{blank}{CODES[mark]}{text}{PLAIN} ")
        else:
            parts.append(f"{blank}{text}{SIGNS[mark]}")
    return "  ".join(parts).rstrip()
