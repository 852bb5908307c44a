"""A verdict for a person at a terminal, and for the log of a job: one line for each rule, then the conclusion."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style

from calibeval.core.gating.verdict import Verdict
from calibeval.words.names import ascii_text
from calibeval.words.verdict import Line, compared, conclusion, left_out, note, rule_lines, rules_from

_GUTTER = "  "
# A longer rule shifts only its own numbers, not those of the other rules.
_FIRM = "\N{NO-BREAK SPACE}"  # between a number and its unit, where no line ends
_WIDEST = 48
# Not the orange and blue of over- and under-confident; each has a contrast of 3.8 or more on white and on black.
_GREEN, _RED, _AMBER, _VIOLET = "color(28)", "color(160)", "color(130)", "color(97)"
_STYLES = {
    "pass": _GREEN,
    "FAIL": f"bold {_RED}",
    "error": f"bold {_VIOLET}",
    "inconclusive": _AMBER,
    "warning": _AMBER,
}


def render(verdict: Verdict, *, width: int | None, color: bool, ascii_only: bool) -> str:
    """The verdict as text.

    width: display cells of a line; longer reasons continue on the next one. None: one line for each rule, however
    long, which suits logs. color: with ANSI colours; they repeat what the words say. ascii_only: nothing but ASCII.
    """
    tell = _in_ascii if ascii_only else str
    lines = [_converted(line, tell) for line in rule_lines(verdict)]
    title = " · ".join(part for part in (compared(verdict), rules_from(verdict)) if part)
    last = f"{conclusion(verdict)} · exit {int(verdict.exit_code)}"
    above, below = ([tell(text)] if width is None else _wrapped(tell(text), "", width) for text in (title, last))
    for text in left_out(verdict):
        above += [tell(text)] if width is None else _wrapped(tell(text), "", width)
    noted = [tell(text) for text in (note(lines),) if text]
    return "\n".join([*above, "", *_rules(lines, width, color), "", *noted, *below]) + "\n"


def _in_ascii(text: str) -> str:
    return ascii_text(text.replace("≥", ">="))


def _converted(line: Line, tell: Callable[[str], str]) -> Line:
    """The line with every text passed through `tell`, and an unusual level in the reason, where it has room."""
    interval, _, level = line.interval.partition(" at ")
    return replace(
        line,
        asked=tell(line.asked),
        value=tell(line.value),
        interval=tell(interval),
        reason=tell(_with_level(line.reason, level)),
        why=tuple(map(tell, line.why)),
    )


def _with_level(reason: str, level: str) -> str:
    """The reason with the level of the interval that decided.

    >>> _with_level("interval beyond the limit", "97.5 %"), _with_level("about 900 rows would decide", "90 %")
    ('97.5 % interval beyond the limit', 'about 900 rows would decide (90 % interval)')
    """
    if not level:
        return reason
    before, interval, after = reason.partition("interval ")
    if interval and (not before or before.endswith("; ")):
        return f"{before}{level} {interval}{after}"
    return f"{reason} ({level} interval)"


def _rules(lines: list[Line], width: int | None, color: bool) -> list[str]:
    """Words and rules left-aligned, numbers right-aligned, then the reasons."""
    columns = [
        [_pad(line.word, max(cell_len(other.word) for other in lines)) for line in lines],
        [_pad(line.asked, min(_WIDEST, max(cell_len(other.asked) for other in lines))) for line in lines],
        [line.value.rjust(max(len(other.value) for other in lines)) for line in lines],
        [_pad(line.interval, max(cell_len(other.interval) for other in lines)) for line in lines],
    ]
    shown = []
    for line, (word, *rest) in zip(lines, zip(*columns, strict=True), strict=True):
        head = _GUTTER.join((word, *rest))
        indent = " " * (len(word) + len(_GUTTER))
        whole = f"{head}{_GUTTER}{line.reason}"
        block = [whole]
        if width is not None and cell_len(whole) > width:
            block = [head, *_wrapped(line.reason, indent, width)]
            if cell_len(head.rstrip()) > width:
                numbers = f"{line.value}{_GUTTER}{line.interval}".strip()
                asked = _wrapped(line.asked, "", width - len(indent)) or [""]
                block = [f"{word}{_GUTTER}{asked[0]}", *(indent + part for part in asked[1:])]
                block += [*([indent + numbers] if numbers else []), *_wrapped(line.reason, indent, width)]
        for why in line.why:
            block += [indent + why] if width is None else _wrapped(why, indent, width)
        block[0] = _painted(word, _STYLES.get(line.word), color) + block[0][len(word) :]
        shown += [one.rstrip() for one in block]
    return shown


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    room, kept = max(width, len(indent) + 20), text.replace(" %", f"{_FIRM}%")
    lines = textwrap.wrap(kept, room, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace(f"{_FIRM}%", " %") for line in lines]


def _painted(text: str, style: str | None, color: bool) -> str:
    if not color or style is None:
        return text
    return Style.parse(style).render(text, color_system=ColorSystem.EIGHT_BIT)
