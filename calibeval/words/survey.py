"""A survey in words: which cells are off in which direction, the range of the error, and the worst cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.order import badness
from calibeval.core.report.standing import standing_of
from calibeval.core.survey.axes import words
from calibeval.core.survey.survey import Cell, MeanResult, Survey
from calibeval.words import digits
from calibeval.words.cells import plural
from calibeval.words.names import visible
from calibeval.words.shown import MAIN
from calibeval.words.signs import signed

WORST = 3
GAP = "confidence_gap"


def title(survey: Survey) -> str:
    """The axes, and how large the cells are: "18 of 20 cells: corruption (4) × severity (5) · 2,000 rows each"."""
    axes = " × ".join(f"{visible(axis.name)} ({len(axis.values)})" for axis in survey.axes)
    whole = math.prod(len(axis.values) for axis in survey.axes)
    of = f"{len(survey.cells):,} of " if len(survey.cells) < whole else ""
    parts = [f"{of}{plural(whole, 'cell')}: {axes}"]
    rows = {cell.n for cell in survey.measured if cell.n is not None}
    if len(rows) == 1:
        parts.append(f"{plural(min(rows), 'row')} each")
    elif rows:
        parts.append(f"{min(rows):,} to {max(rows):,} rows each")
    classes = {cell.k for cell in survey.measured if cell.k is not None}
    parts += [plural(min(classes), "class")] if len(classes) == 1 else []
    return " · ".join(parts)


def headline(survey: Survey, metric: str) -> str:
    """The one sentence: how many cells are over- or under-confident, and the range and the mean of a metric."""
    parts = [one for one in (directions(survey.measured), spread(survey, metric)) if one]
    return f"{'; '.join(parts)}." if parts else "No cell was measured."


def directions(cells: Sequence[Cell]) -> str:
    """How many cells are over- or under-confident beyond noise; empty where gaps were not measured."""
    gaps = [(cell.metrics[GAP], cell.n) for cell in cells if GAP in cell.metrics]
    if not gaps:
        return ""
    over = under = 0
    for gap, n in gaps:
        standing = standing_of(gap, n=n)
        if standing is not None and standing.beyond_noise and gap.value:
            over, under = over + (gap.value > 0), under + (gap.value < 0)
    for count, what in ((over, "Over-confident"), (under, "Under-confident")):
        if count == len(gaps):
            return f"{what} in {_all(count)}"
    if not over + under:
        return f"Within noise in {_all(len(gaps))}"
    parts = [f"{'over' if kind else 'under'}-confident in {count}" for kind, count in ((1, over), (0, under)) if count]
    rest = len(gaps) - over - under
    told = parts + ([f"within noise in {rest}"] if rest else [])
    return f"Of {plural(len(gaps), 'cell')}, {', '.join(told)}"


def _all(count: int) -> str:
    return "the only cell" if count == 1 else "both cells" if count == 2 else f"all {count} cells"


def spread(survey: Survey, metric: str) -> str:
    """The smallest and the largest value of a metric with their cells, and the mean over all."""
    ranked = by_value(survey.measured, metric)
    if not ranked:
        return ""
    unit = f" {digits.unit(metric)}".rstrip()
    ends = [f"{number(cell.metrics[metric])}{unit} ({visible(words(cell.axes))})" for cell in (ranked[-1], ranked[0])]
    whole = survey.means[0].metrics.get(metric) if survey.means else None
    mean = "" if whole is None or whole.value is None else f", {number(whole)}{unit} on average"
    return f"{digits.label(metric)} from {ends[0]} to {ends[1]}{mean}"


def by_value(cells: Sequence[Cell], metric: str) -> list[Cell]:
    """The cells that have the metric, the worst first; of a signed one, the farthest from 0."""
    known = [cell for cell in cells if metric in cell.metrics and cell.metrics[metric].value is not None]
    return sorted(known, key=lambda cell: badness(metric, cell.metrics[metric].value or 0.0), reverse=True)


def number(found: MetricResult | MeanResult | None) -> str:
    """A value as tables show it; a dash where there is none."""
    return digits.NULL if found is None else digits.value(_plain(found))


def interval(found: MetricResult | MeanResult | None) -> str:
    """The interval in brackets; empty where there is none."""
    ends = "" if found is None else digits.interval(_plain(found))
    return f"[{ends}]" if ends else ""


def change_of_mean(found: MeanResult | None) -> str:
    """A mean change with its interval: "+5.4 [+4.1 to +6.6]"."""
    if found is None or found.value is None:
        return digits.NULL
    percent = digits.unit(found.name) == "%"
    value, *ends = (
        signed(digits.scaled(found.name, one), 1 if percent else 3)
        for one in (found.value, found.low, found.high)
        if one is not None
    )
    return f"{value} [{' to '.join(ends)}]" if len(ends) == 2 else value


def value_range(found: MeanResult | None) -> str:
    """The smallest and the largest value of a cell: "20.1 – 48.7"."""
    if found is None or found.least is None or found.most is None:
        return ""
    least, most = (digits.value(MetricResult(found.name, one)) for one in (found.least, found.most))
    return f"{least} – {most}"


def repair(survey: Survey, metric: str) -> str:
    """What the map changes on average, and the temperatures that cells themselves would want; empty without a map.

    Only of dumps that have one, there is a mean.
    """
    whole = survey.means[0] if survey.means else None
    if survey.method is None or whole is None:
        return ""
    own = survey.fitted_on is None
    name = "other rows of each cell" if own else visible((survey.fitted_on or "").rpartition("/")[2])
    head = f"A {survey.method} map fitted on {name}"
    before, after = whole.metrics.get(metric), (whole.after or {}).get(metric)
    if before is None or after is None or after.value is None:
        return f"{head}: some cells have no numbers after it"
    unit = f" {digits.unit(metric)}".rstrip()
    change = f"{digits.label(metric)} {number(before)} → {number(after)}{unit} on average"
    return f"{head}: {change}. {own_temperatures(survey)}".rstrip()


def own_temperatures(survey: Survey) -> str:
    """The range of the temperatures that cells would want: above 1 they are over-confident."""
    known = sorted((cell.temperature, words(cell.axes)) for cell in survey.measured if cell.temperature is not None)
    if not known:
        return ""
    (least, first), (most, last) = known[0], known[-1]
    return f"Cells themselves would want T from {least:.2f} ({visible(first)}) to {most:.2f} ({visible(last)})."


def mean_temperature(cells: Sequence[Cell]) -> str:
    """The geometric mean of the temperatures that cells would want; empty if one has none."""
    known = [cell.temperature for cell in cells if cell.temperature is not None and cell.temperature > 0]
    if len(known) < len(cells) or not known:
        return ""
    return f"{math.exp(sum(map(math.log, known)) / len(known)):.2f}"


def shown_metrics(survey: Survey) -> list[str]:
    """The metrics of the first view: the usual main ones, or those that were chosen."""
    names = EVERY.ordered(list(dict.fromkeys(name for cell in survey.measured for name in cell.metrics)))
    main = [name for name in MAIN if name in names]
    return main if len(main) == len(MAIN) else names


def notes(survey: Survey) -> list[str]:
    """What stands below the tables: cells without numbers, and names that did not match."""
    found = [f"{visible(words(cell.axes))}: {visible(str(cell.error))}" for cell in survey.failed]
    if survey.beside:
        some = ", ".join(visible(PurePath(name).name) for name in survey.beside[:3])
        more = "" if len(survey.beside) <= 3 else f" and {len(survey.beside) - 3:,} more"
        found.append(f"{plural(len(survey.beside), 'name')} beside did not match: {some}{more}")
    return found


def _plain(found: MetricResult | MeanResult) -> MetricResult:
    return MetricResult(found.name, found.value, low=found.low, high=found.high)
