"""The cells and the means of a survey as tidy tables: `cells.csv`, `means.csv`, Parquet, pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from calibeval.core.metrics.table import EVERY
from calibeval.core.survey.survey import Survey
from calibeval.render.tables.csv_table import no_formula

FIRST = ("dump", "rows", "classes")
LAST = ("best_temperature", "error")
FACTS = ("low", "high", "floor", "floor_high")


def cell_columns(survey: Survey) -> dict[str, list[Any]]:
    """The columns of the cells by name: axes, dump, size, and each metric with interval and floor; after a map, too.

    Absent facts are None; values are fractions.
    """
    names = [axis.name for axis in survey.axes]
    table: dict[str, list[Any]] = {name: [cell.axes[name] for cell in survey.cells] for name in names}
    table["dump"] = [cell.name for cell in survey.cells]
    table["rows"] = [cell.n for cell in survey.cells]
    table["classes"] = [cell.k for cell in survey.cells]
    sides = [("", [cell.metrics for cell in survey.cells])]
    if any(cell.after is not None for cell in survey.cells):
        sides.append(("_after", [cell.after or {} for cell in survey.cells]))
    for end, every in sides:
        for metric in EVERY.ordered(list(dict.fromkeys(name for metrics in every for name in metrics))):
            found = [metrics.get(metric) for metrics in every]
            table[f"{metric}{end}"] = [None if one is None else one.value for one in found]
            for fact in FACTS:
                column = [None if one is None else getattr(one, fact) for one in found]
                if any(value is not None for value in column):
                    table[f"{metric}{end}_{fact}"] = column
    table["best_temperature"] = [cell.temperature for cell in survey.cells]
    table["error"] = [None if cell.error is None else str(cell.error) for cell in survey.cells]
    return table


def cells_csv(survey: Survey) -> str:
    """The cells, one a line; numbers round-trip exactly, absent facts are empty fields."""
    table = cell_columns(survey)
    return _csv(list(table), zip(*table.values(), strict=True))


def means_csv(survey: Survey) -> str:
    """The means, one metric a line: the axes that are fixed (empty: averaged over), value, interval, range of cells.

    what: "before" or "after" a map, or the "change" from the reference; left out where there is neither.
    """
    names = [axis.name for axis in survey.axes]
    facts = ("value", "low", "high", "least", "most")
    lines = []
    for mean in survey.means:
        fixed = [mean.axes.get(name) for name in names]
        for when, metrics in (("before", mean.metrics), ("after", mean.after or {}), ("change", mean.changes or {})):
            for one in metrics.values():
                numbers = [getattr(one, fact) for fact in facts]
                lines.append([*fixed, "+".join(mean.over), mean.cells, one.name, when, *numbers, one.reason])
    several = any(mean.after is not None or mean.changes is not None for mean in survey.means)
    head = [*names, "mean_over", "cells", "metric", "what", *facts, "reason"]
    if not several:
        place = head.index("what")
        head.pop(place)
        lines = [[*line[:place], *line[place + 1 :]] for line in lines]
    return _csv(head, lines)


def _csv(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([no_formula(name) for name in head])
    for line in lines:
        writer.writerow([no_formula(one) if isinstance(one, str) else one for one in line])
    return text.getvalue()
