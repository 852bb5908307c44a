"""The headline of two classes: what P(positive class) says, what happens, and where and how they differ."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Bin, DumpReport
from calibeval.core.report.rows import ClassView
from calibeval.core.report.standing import Standing, bin_judge, standing_in
from calibeval.core.report.views import seen_as
from calibeval.words.digits import decimals
from calibeval.words.finding import By, Finding, by_chance, rows_needed, sample
from calibeval.words.marks import plain
from calibeval.words.names import isolated
from calibeval.words.score_tests import by_slope, p_said
from calibeval.words.signs import bin_range, signed_points

_NAME = 40
_MOST_DECIMALS = 6
_FREQUENT = 2 / 3  # the share of rows above which the other class may be meant
_CONTRARY = 0.1  # the share of gaps that a direction may leave out


def class_name(view: ClassView) -> str:
    """The class in a sentence: its name in quotes, or its number.

    >>> class_name(ClassView("default", 1, 0.1, ())), class_name(ClassView("1", 1, 0.1, ()))
    ('"default"', 'class 1')
    """
    return f"class {view.index}" if view.name == str(view.index) else f'"{isolated(plain(view.name, _NAME))}"'


def probability(view: ClassView) -> str:
    """The probability that the view is about.

    >>> probability(ClassView("default", 1, 0.1, ())), probability(ClassView("1", 1, 0.1, ()))
    ('P("default")', 'P(class 1)')
    """
    return f"P({class_name(view)})"


def positive_fact(dump: DumpReport) -> str:
    """Which class is positive and how frequent it is, for the title of a dump; empty unless there are two.

    Where the other class is much rarer, and so perhaps the one that matters, it says how that is chosen.

    >>> from calibeval.core.data.predictions import Source
    >>> view = ClassView("default", 1, 0.083, ())
    >>> positive_fact(DumpReport(Source(), "probs", 9, 2, 0, {}, (), None, (), positive=view))
    'positive: "default" (8.3 % of rows)'
    """
    view = dump.positive
    if view is None:
        return ""
    named = dump.per_class[1 - view.index].name if len(dump.per_class) == 2 else str(1 - view.index)
    other = "" if view.prevalence <= _FREQUENT else f"; the other: --positive {shlex.quote(plain(named, _NAME))}"
    return class_fact(view, "rows" if dump.weights is None else "weight", other)


def class_fact(view: ClassView, of: str = "rows", other: str = "") -> str:
    """The positive class and how frequent it is. of: rows, or weight. other: what is said of the other class."""
    share = f"{_percent(view.prevalence, 1 if view.prevalence >= 0.01 else _digits(view.prevalence))} %"
    return f"positive: {class_name(view)} ({share} of {of}{other})"


def positive_headline(dump: DumpReport, view: ClassView, found: Finding) -> str:
    """The one sentence of a dump of two classes. found: what decides."""
    gap = dump.metrics["gap_positive"].value
    if gap is None:
        return f"No verdict: {dump.metrics['gap_positive'].reason}."
    p, says, places = probability(view), _says(view, gap), _decimals(view, gap)
    size, standing = signed_points(gap, places), found.standing
    if standing is None:
        return f"{p} {says} (gap {size})."
    is_ = "is" if standing is Standing.CERTAIN else "is probably"
    if found.by is By.GAP:
        return f"{p} {is_} too {_high(gap)}: {says} (gap {size}, {standing.value}){_where(dump, view, gap)}."
    if found.by is By.BINS:
        ece = f"ECE {100 * (found.metric.value or 0.0):.2f} %"
        beside = standing_in(dump, "gap_positive")
        mean = f"slightly too {_high(gap)}" if beside is not None and beside.beyond_noise else "right"
        short = says.replace(" on average", "")
        return f"{p} {is_} {_shape(dump, view)}; {mean} on average: {short} ({ece}, {standing.value})."
    if found.by is By.SLOPE:
        return f"{p} {is_} {_by_slope(found.metric)}: {says} (gap {size})."
    known = by_chance(found) or _shows(dump, found)
    if standing is Standing.UNRESOLVED:
        return f"This sample cannot tell whether {p} is calibrated: it {says} (gap {size}; {known})."
    return f"{p} is within noise of calibrated: {says} (gap {size}; {known})."


class _Off(NamedTuple):
    """The bins beyond noise that are too high and too low, and the heaviest of each."""

    high: list[Bin]
    low: list[Bin]

    def most(self, sign: int) -> Bin | None:
        return max(self.high if sign > 0 else self.low, key=lambda b: b.mass * abs(b.gap or 0.0), default=None)


def _off(dump: DumpReport, view: ClassView) -> _Off:
    beyond = bin_judge(seen_as(dump, view))
    found = [b for b in view.bins if b.gap is not None and beyond(b)]
    return _Off([b for b in found if (b.gap or 0.0) > 0], [b for b in found if (b.gap or 0.0) < 0])


def _where(dump: DumpReport, view: ClassView, gap: float) -> str:
    """Where a mean gap comes from, and where the direction is the other."""
    off, sign = _off(dump, view), 1 if gap > 0 else -1
    most, other = off.most(sign), off.most(-sign)
    said = "" if most is None else f", most from {_at(most)}"
    return said if other is None else f"{said}; but too {_high(-gap)} at {_at(other)}"


def _shape(dump: DumpReport, view: ClassView) -> str:
    """In which way bins differ where they cancel on average."""
    off = _off(dump, view)
    high, low = off.most(1), off.most(-1)
    if high is None or low is None:
        one = high or low
        return "off in some bins" if one is None else f"too {_high(one.gap or 0.0)} in some bins (most from {_at(one)})"
    ordered = _order(off, high, low)
    if ordered > 0:
        return f"over-confident: too high at the top ({_at(high)}), too low at the bottom ({_at(low)})"
    if ordered < 0:
        return f"under-confident: too low at the top ({_at(low)}), too high at the bottom ({_at(high)})"
    return f"too high in some bins (most from {_at(high)}), too low in others (most from {_at(low)})"


def _order(off: _Off, high: Bin, low: Bin) -> int:
    """1 if bins that are too high lie above those that are too low, -1 if below, but for a tenth of the gaps; else 0.

    high, low: the heaviest bins of both.
    """
    sign = 1 if high.lower > low.lower else -1
    gaps = [sign * b.mass * (b.gap or 0.0) for b in sorted((*off.high, *off.low), key=lambda b: b.lower)]
    contrary = min(
        sum(gap for gap in gaps[:i] if gap > 0) - sum(gap for gap in gaps[i:] if gap < 0) for i in range(len(gaps) + 1)
    )
    return sign if contrary <= _CONTRARY * sum(map(abs, gaps)) else 0


def _by_slope(metric: MetricResult) -> str:
    """What the regression on the stated log-odds shows where gaps of bins are within noise."""
    standing, way = "" if metric.p is None else p_said(metric.p), by_slope(metric)
    if not way:
        return f"off by its regression on the log-odds ({standing})"
    slope = f"{metric.value or 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
    return f"{way} by its slope ({slope}, {standing})"


def _at(row: Bin) -> str:
    """A bin with its gap."""
    return f"{bin_range(row)}: {signed_points(row.gap or 0.0)}"


def _says(view: ClassView, gap: float) -> str:
    """The mean probability and the frequency."""
    places = _decimals(view, gap)
    if view.prevalence in (0.0, 1.0):
        happens = f"{'no row is' if view.prevalence == 0.0 else 'every row is'} {class_name(view)}"
    else:
        happens = f"{_percent(view.prevalence, places)} % are {class_name(view)}"
    return f"says {_percent(view.prevalence + gap, places)} % on average, {happens}"


def _decimals(view: ClassView, gap: float) -> int:
    """Decimals of percent that show the gap, and something of a rare class."""
    if abs(gap) >= 0.01:
        return 1
    shares = (view.prevalence, 1 - view.prevalence, view.prevalence + gap, 1 - view.prevalence - gap)
    return max([2, *(_digits(share) for share in shares if share > 0)])


def _digits(share: float) -> int:
    return min(_MOST_DECIMALS, decimals(100 * share, 2)) if share > 1e-12 else 2


def _percent(share: float, places: int) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.{places}f}"


def _high(gap: float) -> str:
    return "high" if gap > 0 else "low"


def _shows(dump: DumpReport, found: Finding) -> str:
    """The errors that the rows show; where these are large, also how many rows would show small ones."""
    points = 100 * (found.metric.floor_high or 0.0)
    size = f"{points:.0f}" if points >= 10 else f"{points:.2g}"
    needed = rows_needed(dump, found.metric) if found.standing is Standing.UNRESOLVED else None
    more = "" if needed is None else f", and about {needed:,} rows would show 3 points"
    return f"{sample(dump)} shows errors above {size} point{'' if size == '1' else 's'}{more}"
