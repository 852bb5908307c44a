"""A plan of a gate for a person at a terminal: a line for each rule, then the whole gate."""

from __future__ import annotations

import textwrap

from calibeval.core.gating.plan import Plan
from calibeval.words.names import ascii_text
from calibeval.words.plan import ASSUMED, HEADS, plan_lines, planned_for, summary

_GUTTER = "  "


def render(plan: Plan, *, width: int | None, ascii_only: bool) -> str:
    """The plan as text. width: at which sentences are wrapped; None: not at all."""
    lines = plan_lines(plan)
    rows = [HEADS, *((one.asked, one.passes, one.rows, one.detects) for one in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    table = [_GUTTER.join(_cell(i, text, widths[i]) for i, text in enumerate(row)) for row in rows]
    notes = sorted(dict.fromkeys(one.note for one in lines if one.note), key=lambda note: note == ASSUMED)
    text = [planned_for(plan), "", *(row.rstrip() for row in table), "", *notes, summary(plan)]
    wrapped = [part for line in text for part in _wrapped(line, width)]
    shown = "\n".join(wrapped) + "\n"
    return ascii_text(shown.replace("≥", ">=")) if ascii_only else shown


def _cell(place: int, text: str, width: int) -> str:
    return text.ljust(width) if place == 0 else text.rjust(width)


def _wrapped(line: str, width: int | None) -> list[str]:
    """A sentence in lines of that width; rows of the table stay whole."""
    if width is None or not line or _GUTTER in line or len(line) <= width:
        return [line]
    return textwrap.wrap(line, max(width, 20), break_on_hyphens=False)
