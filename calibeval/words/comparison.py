"""The numbers of a comparison as text, for every view: signed differences, intervals, p, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calibeval.core.comparison.comparison import Candidate, Comparison, Difference
from calibeval.core.metrics.result import MetricResult
from calibeval.words import cells
from calibeval.words.difference import Change, change, comparison_headline, difference_decimals, is_rounding, scaled
from calibeval.words.marks import short_names
from calibeval.words.names import about, isolated
from calibeval.words.shown import shown_among
from calibeval.words.signs import signed

_NAME = 48


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of a comparison, as text. change: what the difference means, for words and colours."""

    name: str
    label: str
    unit: str
    base: str
    candidate: str
    difference: str
    interval: str
    p: str
    detectable: str
    change: Change


def rows(differences: Mapping[str, Difference]) -> list[Row]:
    """Every metric that tables show, in the order of the comparison."""
    return [_row(differences[name]) for name in shown_among(differences)]


def _row(difference: Difference) -> Row:
    name, places = difference.name, difference_decimals(difference)
    numbers = (difference.base, difference.candidate)
    base, candidate = (cells.value(MetricResult(name, number)) for number in numbers)
    there = difference.low is not None and difference.high is not None
    p = difference.p if difference.p_holm is None else difference.p_holm
    tested = p is not None and not is_rounding(difference)
    power = None if is_rounding(difference) else difference.detectable
    return Row(
        name=name,
        label=cells.label(name),
        unit=cells.unit(name),
        base=base,
        candidate=candidate,
        difference=cells.NULL if difference.difference is None else _signed(name, difference.difference, places),
        interval=_interval(difference, places) if there else "",
        p=cells.p_value(p) if tested else "",
        detectable="" if power is None else f"{scaled(name, power):.{places}f}",
        change=change(difference),
    )


def _signed(name: str, number: float, places: int) -> str:
    return signed(scaled(name, number), places)


def _interval(difference: Difference, places: int) -> str:
    low, high = (_signed(difference.name, end or 0.0, places) for end in (difference.low, difference.high))
    return f"{low} to {high}"


def sentences(comparison: Comparison, candidate: Candidate) -> list[str]:
    """What the comparison says about a candidate, with names as short as possible."""
    names = [comparison.base.name, *(one.name for one in comparison.candidates)]
    short = dict(zip(names, short_names(names, _NAME), strict=True))
    pair = short[candidate.name], short[comparison.base.name]
    return [isolated(words) for words in comparison_headline(candidate, pair)]


def warnings(comparison: Comparison) -> list[str]:
    """Every warning once, with the name of the file that it is about."""
    base = (f"{comparison.base.name}: ", f"{comparison.base.name} ")
    lines = [
        str(line) if line.startswith(base) else about(one.name, line)
        for one in comparison.candidates
        for line in one.warnings
    ]
    return list(dict.fromkeys(lines))


def reasons(differences: Mapping[str, Difference]) -> list[str]:
    """Why numbers are missing or intervals are approximate, one line for each reason."""
    found: dict[str, list[str]] = {}
    for difference in map(differences.__getitem__, shown_among(differences)):
        if difference.reason:
            found.setdefault(difference.reason, []).append(cells.label(difference.name))
    return [f"{', '.join(names)}: {reason}" for reason, names in found.items()]


def remarks(differences: Mapping[str, Difference]) -> list[str]:
    """Where the difference of two biased values lies outside the interval for the true difference."""
    outside = [
        cells.label(d.name)
        for d in differences.values()
        if d.difference is not None and d.low is not None and d.high is not None and not d.low <= d.difference <= d.high
    ]
    why = "noise biases the two values differently; the interval is for the true difference"
    return [f"{', '.join(outside)}: {why}"] if outside else []


def facts(candidate: Candidate) -> list[str]:
    """Rows, and how they were paired."""
    paired = {
        "id": "rows paired by id",
        "position": "rows paired by position: labels and shared columns agree",
        None: "rows not paired",
    }
    groups = candidate.groups
    units = [] if groups is None else [f"{groups.count:,} {'images' if groups.column is None else 'groups'}"]
    return [cells.plural(candidate.dump.n, "row"), *units, paired[candidate.paired_by]]


def level(comparison: Comparison) -> str:
    """The level of the intervals.

    >>> from calibeval.core.comparison.comparison import ComparedDump
    >>> from calibeval.core.data.predictions import Source
    >>> from calibeval.core.report.settings import Settings
    >>> level(Comparison("0", Settings(), ComparedDump("a", Source(), "probs", 1, 2)))
    '95 %'
    """
    return f"{100 * (comparison.settings.level or 0.95):g} %"


def convention(comparison: Comparison, *, detectable: bool = True) -> str:
    """Bins and what the columns mean, in one line. detectable: whether there is such a column."""
    parts = [f"{comparison.settings.bins} bins", "differences are candidate − base, in points for percentages"]
    if any(one.p_holm is not None for candidate in comparison.candidates for one in candidate.differences.values()):
        parts += ["p: corrected for the number of metrics (Holm)"]
    parts += ["detectable: the difference that this sample shows with 80 % power"] if detectable else []
    return "; ".join(parts)
