"""Metrics as a LaTeX table in the style of booktabs: one row per dump, one column per metric, for papers."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.report.report import Report
from calibeval.words import cells
from calibeval.words.best import MARKED, best
from calibeval.words.images import image_finding
from calibeval.words.names import visible
from calibeval.words.report import headline

# Braces go around [ and *, which LaTeX would read as arguments of the line break before them, and around ligatures.
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "*": "{*}",
    "-": "{-}",
}
_SIGNS = str.maketrans({"−": "$-$", "–": "--", "≤": r"$\le$"})


def render(report: Report) -> str:
    """A `tabular` (load booktabs) with certainly best values in bold; comment lines explain the numbers."""
    names = cells.metric_names(report)
    champions = {name: best(report.dumps, name) for name in names}
    comments = [f"calibeval {report.version}: {cells.convention(report)}"]
    if any(champions.values()):
        comments.append(f"bold: {MARKED}")
    comments += [f"{d.name}: {headline(d)}" for d in report.dumps]
    comments += [f"{d.name}: {image_finding(d)}" for d in report.dumps if d.per_image]
    comments += [f"{d.name}: {line}" for d in report.dumps for line in cells.reasons(d)]
    if any(dump.slices is not None for dump in report.dumps):
        comments.append("slices are not in this table: see --format md, or --json")
    rows = []
    for i, dump in enumerate(report.dumps):
        numbers = []
        for name in names:
            number = cells.value(dump.metrics[name]) if name in dump.metrics else cells.NULL
            number = number.translate(_SIGNS)
            numbers.append(rf"\textbf{{{number}}}" if i in champions[name] else number)
        rows.append([escape(dump.name), f"{dump.n:,}", *numbers])
        for head, parts in cells.below(dump, names, report):
            rows.append([rf"\quad {escape(head)}", "", *(escape(part).translate(_SIGNS) for part in parts)])
    header = ["", "rows", *(_heading(name) for name in names)]
    body = [r"\toprule", table_row(header), r"\midrule", *map(table_row, rows), r"\bottomrule"]
    table = [rf"\begin{{tabular}}{{l{'r' * (len(names) + 1)}}}", *body, r"\end{tabular}"]
    return "\n".join([*(f"% {visible(line)}" for line in comments), *table]) + "\n"


def escape(name: str) -> str:
    r"""The name as plain text in LaTeX.

    >>> print(escape("50%_{a}"))
    50\%\_\{a\}
    """
    return "".join(_SPECIAL.get(char, char) for char in visible(name))


def _heading(metric: str) -> str:
    unit = cells.unit(metric)
    return escape(cells.label(metric)) + (f" ({escape(unit)})" if unit else "")


def table_row(items: Sequence[str]) -> str:
    r"""A line of a tabular, of items that are escaped already.

    >>> print(table_row(["a.npz", "12.6"]))
    a.npz & 12.6 \\
    """
    return rf"{' & '.join(items)} \\"
