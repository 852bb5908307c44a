"""A comparison as Markdown, CSV and LaTeX tables: for pull requests, programs and papers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from calibeval.core.comparison.comparison import Comparison, Difference
from calibeval.render.tables import latex as latex_table
from calibeval.render.tables.csv_table import no_formula
from calibeval.render.tables.markdown import escape, table_row
from calibeval.words import comparison as shown
from calibeval.words.comparison import Row
from calibeval.words.difference import Change
from calibeval.words.names import visible

COLUMNS = (
    "candidate",
    "column",
    "value",
    "metric",
    "base",
    "candidate_value",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "detectable",
    "reason",
)


def markdown(comparison: Comparison) -> str:
    """For each candidate its sentence and a table of all metrics; slices are only in --json and csv."""
    blocks = []
    for candidate in comparison.candidates:
        said = [escape(line) for line in shown.sentences(comparison, candidate)]
        lines = [" ".join([f"**{said[0]}**", *said[1:]]), ""]
        header = ["", "base", "candidate", "difference", f"{shown.level(comparison)} interval", "p", "detectable", ""]
        lines += [table_row(header), table_row([":--", *["--:"] * 6, ":--"])]
        for row in shown.rows(candidate.differences):
            label = f"{row.label} {row.unit}".strip()
            numbers = [row.base, row.candidate, row.difference, row.interval, escape(row.p), row.detectable]
            lines.append(table_row([label, *numbers, row.finding]))
        notes = [
            f"{escape(candidate.name)} against {escape(comparison.base.name)}: "
            + ", ".join(escape(fact) for fact in shown.facts(candidate)),
            *(escape(line) for line in shown.reasons(candidate.differences)),
            *(escape(line) for line in shown.remarks(candidate.differences)),
            *(escape(f"warning: {line}") for line in candidate.warnings),
        ]
        blocks.append("\n".join([*lines, "", *(f"- {note}" for note in notes)]))
    return "\n\n".join([*blocks, shown.convention(comparison)]) + "\n"


def csv_table(comparison: Comparison) -> str:
    """One line per candidate, slice and metric, exact fractions; column and value are empty for the whole dump."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for candidate, column, value, d in _every(comparison):
        numbers = (d.base, d.candidate, d.difference, d.low, d.high, d.p, d.p_holm, d.detectable)
        names = [no_formula(name) for name in (candidate, column, value)]
        writer.writerow([*names, d.name, *numbers, no_formula(d.reason or "")])
    return text.getvalue()


def latex(comparison: Comparison) -> str:
    """A `tabular` (load booktabs): one row per candidate, one column per metric, differences with their intervals."""
    base = visible(comparison.base.name)
    comments = [f"calibeval {comparison.version}: differences from {base}, with {shown.level(comparison)} intervals"]
    table = [(candidate.name, shown.rows(candidate.differences)) for candidate in comparison.candidates]
    names = list(
        dict.fromkeys(row.name for _, found in table for row in found if row.interval or row.change is Change.SAME)
    )
    heads = {row.name: row for _, found in table for row in found}
    header = ["", *(latex_table.escape(f"{heads[name].label} {heads[name].unit}".strip()) for name in names)]
    body = []
    for name, found in table:
        by_name = {row.name: row for row in found}
        body.append([latex_table.escape(name), *(_latex_cell(by_name.get(metric)) for metric in names)])
    lines = [r"\toprule", latex_table.table_row(header), r"\midrule", *map(latex_table.table_row, body), r"\bottomrule"]
    tabular = [rf"\begin{{tabular}}{{l{'r' * len(names)}}}", *lines, r"\end{tabular}"]
    return "\n".join([*(f"% {visible(line)}" for line in comments), *tabular]) + "\n"


def _every(comparison: Comparison) -> Iterator[tuple[str, str, str, Difference]]:
    for candidate in comparison.candidates:
        for difference in candidate.differences.values():
            yield candidate.name, "", "", difference
        for part in candidate.slices:
            for difference in part.differences.values():
                yield candidate.name, part.column, part.value, difference


def _latex_cell(row: Row | None) -> str:
    if row is None or not row.interval:
        return row.difference if row is not None and row.change is Change.SAME else "--"
    low, high = row.interval.split(" to ")
    return f"{row.difference} {{[}}{low}, {high}{{]}}".replace("−", "$-$").replace("+", "$+$")
