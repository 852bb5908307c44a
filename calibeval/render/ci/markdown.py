"""A verdict as Markdown: the comment on a pull request, and the summary of a job."""

from __future__ import annotations

import re

from calibeval.core.gating.verdict import Verdict
from calibeval.render.tables.markdown import escape
from calibeval.words.cells import plural
from calibeval.words.verdict import Line, compared, conclusion, note, rule_lines, rules_from, warning_lines

# A comment may have 65,536 characters.
MOST_CHARACTERS = 65_536
MOST_WARNINGS = 10
_ROOM_FOR_NOTE = 200
# What could end an HTML comment, or is not plain text.
_UNSAFE = re.compile(r"(?:[^\w.#/=,-]|--|-$)+")


def render(verdict: Verdict, most: int = MOST_CHARACTERS) -> str:
    """The conclusion, then a table with one row for each rule, then the warnings.

    If all rows together have more than `most` characters, rules that passed are left out first, and a note says how
    many are missing.
    """
    title = f"### calibeval gate: {_text(conclusion(verdict))}"
    facts = " · ".join(_text(part) for part in (compared(verdict), rules_from(verdict)) if part)
    level = f"{100 * verdict.settings.level:g} % interval"
    head = [
        mark(str(verdict.dump["name"])),
        title,
        "",
        facts,
        "",
        f"| verdict | rule | value | {level} | reason |",
        "| :-- | :-- | --: | :-- | :-- |",
    ]
    warnings = [f"- warning: {_text(warning)}" for warning in warning_lines(verdict)[:MOST_WARNINGS]]
    room = most - sum(len(line) + 1 for line in (*head, "", *warnings)) - _ROOM_FOR_NOTE
    lines = rule_lines(verdict)
    rows = [_row(line) for line in lines]
    order = sorted(range(len(rows)), key=lambda i: verdict.rules[i].verdict in ("pass", "off"))
    kept = set()
    for i in order:
        room -= len(rows[i]) + 1
        if room < 0:
            break
        kept.add(i)
    shown = [row for i, row in enumerate(rows) if i in kept]
    more = [] if len(kept) == len(rows) else ["", f"{plural(len(rows) - len(kept), 'more rule')} did not fit here."]
    corrected = ["", note(lines)] if note(lines) else []
    return "\n".join([*head, *shown, *corrected, *more, *(["", *warnings] if warnings else [])]) + "\n"


def mark(name: str) -> str:
    """A line that nobody sees, by which a job finds its earlier comment about the dump of this name and replaces it.

    >>> mark("models/test set.npz#night"), mark("-->")
    ('<!-- calibeval:models/test_set.npz#night -->', '<!-- calibeval:_ -->')
    """
    return f"<!-- calibeval:{_UNSAFE.sub('_', name)} -->"


def _row(line: Line) -> str:
    word = f"**{line.word}**" if line.word == "FAIL" else line.word
    reason = "<br>".join(_text(part) for part in (line.reason, *line.why))
    return f"| {word} | {_text(line.asked)} | {_text(line.value)} | {_text(line.interval)} | {reason} |"


def _text(text: str) -> str:
    """Plain text that notifies nobody: a word joiner keeps @name from becoming a mention."""
    return escape(text).replace("@", "@&#8288;")
