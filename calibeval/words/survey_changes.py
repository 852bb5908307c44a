"""Changes from the reference of a survey in words: in how many cells a metric is certainly worse, and where most."""

from __future__ import annotations

from calibeval.core.comparison.difference import Difference
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.survey.axes import Point, words
from calibeval.core.survey.survey import Change, Survey
from calibeval.words import digits
from calibeval.words.cells import plural
from calibeval.words.difference import Change as Found
from calibeval.words.difference import change
from calibeval.words.names import visible
from calibeval.words.signs import signed


def changes(survey: Survey, metric: str, *, full: bool = False) -> list[str]:
    """The lines about a metric; empty without a reference. full: with a line for each cell."""
    if survey.changes is None:
        return []
    known = [(one.axes, one.differences[metric]) for one in survey.changes if metric in one.differences]
    known = [(point, one) for point, one in known if one.difference is not None]
    failed = [one for one in survey.changes if one.error is not None]
    lines = [f"{visible(words(one.axes))}, not compared: {visible(str(one.error))}" for one in failed]
    if not known:
        return lines or [f"{digits.label(metric)}: nothing was compared"]
    counted: dict[Found, int] = {}
    for _, one in known:
        counted[change(one)] = counted.get(change(one), 0) + 1
    order = [kind for kind in Found if kind in counted]
    parts = " · ".join(f"{counted[kind]} {kind.short}" for kind in order)
    base = _bases(survey.changes, metric)
    most = max(known, key=lambda pair: abs(pair[1].difference or 0.0))
    head = f"{digits.label(metric)} against {visible(reference_name(survey))}{base}, {plural(len(known), 'cell')}"
    lines += [f"{_signed(one)}{_ends(one[1])}, {change(one[1]).short}" for one in known] if full else []
    return [f"{head}: {parts} (Holm over cells); most {_signed(most)}", *lines]


def _ends(one: Difference) -> str:
    """The interval of a change: " [+0.5 to +2.1]"."""
    if one.low is None or one.high is None:
        return ""
    places = 2 if digits.unit(one.name) == "%" else 3
    low, high = (signed(digits.scaled(one.name, end), places) for end in (one.low, one.high))
    return f" [{low} to {high}]"


def reference_name(survey: Survey) -> str:
    """The reference without its folders."""
    return (survey.reference or "").rpartition("/")[2]


def _bases(every: tuple[Change, ...], metric: str) -> str:
    """The value of the reference, if it is one."""
    values = {one.differences[metric].base for one in every if metric in one.differences}
    if len(values) != 1:
        return ""
    (value,) = values
    return (
        ""
        if value is None
        else f" ({digits.value(MetricResult(metric, value))} {digits.unit(metric)})".replace(" )", ")")
    )


def _signed(found: tuple[Point, Difference]) -> str:
    """The change with the cell: "+57.17 points (gaussian_noise 5)"."""
    point, one = found
    unit = EVERY[one.name].unit if one.name in EVERY else ""
    amount = digits.scaled(one.name, one.difference or 0.0)
    text = f"{signed(amount, 2)} points" if unit == "%" else f"{signed(amount, 3)} {unit}".rstrip()
    return f"{text} ({visible(words(point))})"
