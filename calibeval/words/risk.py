"""The risk-coverage curve: the error of the most confident rows, in numbers for drawings and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from calibeval.core.metrics.result import RiskPoint
from calibeval.core.report.report import DumpReport
from calibeval.core.report.risk import counted
from calibeval.words.thresholds import exact, limited, percent, shown

TITLE = "error of the most confident rows"
_MANY = 3
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


class RiskCells(NamedTuple):
    """One point: coverage and error in percent, and the smallest confidence that is answered.

    certified: the limits of the error that are certified for this threshold, such as "≤ 5 %"; often empty.
    """

    coverage: str
    error: str
    confidence: str
    certified: str = ""


class StepCells(NamedTuple):
    """One point with all that is known of it: coverage, error and its interval in percent."""

    coverage: str
    rows: str
    wrong: str
    error: str
    interval: str
    confidence: str
    certified: str


class RiskStep(NamedTuple):
    """One point: rows of at least the confidence `threshold` are answered.

    coverage: their share of all; risk: the share of them that is wrong; rows, wrong: their numbers. low, high: interval
    of the risk at this point alone; None without one. certified: as in `RiskCells`.
    """

    threshold: float
    coverage: float
    risk: float
    rows: int
    wrong: int
    low: float | None = None
    high: float | None = None
    certified: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Limits of the error that one threshold is certified for, the smallest first, with its place on the curve."""

    limits: tuple[float, ...]
    coverage: float
    risk: float

    @property
    def words(self) -> str:
        """The limits; of many, the smallest and the largest.

        >>> Certificate((0.01, 0.05), 0.8, 0.004).words, Certificate((0.01, 0.02, 0.05), 0.8, 0.004).words
        ('≤ 1 %, 5 %', '≤ 1 % … 5 %')
        """
        limits = [percent(limit) for limit in self.limits]
        return f"≤ {', '.join(limits) if len(limits) < _MANY else f'{limits[0]} … {limits[-1]}'}"


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """The curve of a dump, from the most confident rows on. level: of the intervals; None without."""

    steps: tuple[RiskStep, ...]
    certificates: tuple[Certificate, ...]
    level: float | None

    @property
    def error(self) -> float:
        """The share of all rows that is wrong, at any coverage the mean error of a random order."""
        return self.steps[-1].risk

    @property
    def banded(self) -> bool:
        """Whether there are intervals of several points, which make a band."""
        return self.level is not None and len(self.steps) > 1

    def best(self, coverage: float) -> float:
        """The error of an order with all right rows first.

        >>> RiskCurve((RiskStep(0.5, 1.0, 0.5, 10, 5),), (), None).best(0.625)
        0.2
        """
        right = 1.0 - self.error
        return max(coverage - right, 0.0) / coverage if coverage > 0.0 else 0.0


def risk_curve(dump: DumpReport, level: float | None) -> RiskCurve | None:
    """The curve of a dump, if it was measured, with a point for each certified threshold.

    level: of the intervals of the risk, point by point, which exist where rows are independent.
    """
    points = _points(dump)
    if not points or not dump.n:
        return None
    found = _certificates(dump)
    words = {own.coverage: own.words for own in found}
    own = {one.coverage: one for one in _certified(dump)}
    every = sorted({**{one.coverage: one for one in points}, **own}.values(), key=lambda one: one.coverage)
    level = None if dump.groups is not None or dump.weights is not None else level
    steps = (RiskStep(*one, words.get(one.coverage, "")) for one in counted(every, dump.n, level))
    return RiskCurve(tuple(steps), found, level)


def risk_cells(dump: DumpReport) -> list[RiskCells]:
    """The curve at the first points of at least 10 %, 20 % and so on, and at certified thresholds.

    Empty if it was not measured.
    """
    curve = risk_curve(dump, None)
    if curve is None:
        return []
    wanted = [_first(curve, least) for least in COVERAGES]
    kept = {*wanted, *(one for one in curve.steps if one.certified)}
    return [
        RiskCells(f"{100.0 * one.coverage:.1f}", f"{100.0 * one.risk:.2f}", _confidence(one), one.certified)
        for one in curve.steps
        if one in kept
    ]


def curve_through(points: Sequence[RiskPoint], n: int) -> RiskCurve | None:
    """The curve through these points of n rows, without intervals; None if there are none."""
    if not points or not n:
        return None
    return RiskCurve(tuple(RiskStep(*one) for one in counted(points, n)), (), None)


def beside(curves: Sequence[RiskCurve]) -> list[tuple[str, ...]]:
    """Rows of a table: a coverage, then the error and the smallest confidence of each curve, where it is reached."""
    rows = []
    for least in COVERAGES:
        steps = [_first(curve, least) for curve in curves]
        cells = [cell for one in steps for cell in (f"{100.0 * one.risk:.2f}", shown(one.threshold))]
        rows.append((f"{100.0 * least:.0f}", *cells))
    return rows


def step_cells(curve: RiskCurve) -> list[StepCells]:
    """Every point of the curve."""
    return [
        StepCells(
            coverage=f"{100.0 * one.coverage:.1f}",
            rows=f"{one.rows:,}",
            wrong=f"{one.wrong:,}",
            error=f"{100.0 * one.risk:.2f}",
            interval=_interval(one),
            confidence=_confidence(one),
            certified=one.certified,
        )
        for one in curve.steps
    ]


def said(step: RiskStep) -> str:
    """A point of the curve with its numbers, in words.

    >>> said(RiskStep(0.71, 0.8, 0.0125, 80, 1, 0.0003, 0.0677, "≤ 10 %"))
    'answer 80.0 %: from confidence 0.71 on, 80 rows, 1 wrong, error 1.25 % [0.03 – 6.77], certified ≤ 10 %'
    """
    ends = f" [{_interval(step)}]" if _interval(step) else ""
    rows = f"{step.rows:,} {'row' if step.rows == 1 else 'rows'}, {step.wrong:,} wrong"
    line = f"answer {100.0 * step.coverage:.1f} %: from confidence {_confidence(step)} on, {rows}"
    line += f", error {100.0 * step.risk:.2f} %{ends}"
    return f"{line}, certified {step.certified}" if step.certified else line


def _first(curve: RiskCurve, least: float) -> RiskStep:
    """The first point that reaches this coverage."""
    return next((one for one in curve.steps if one.coverage >= least - 1e-9), curve.steps[-1])


def _confidence(step: RiskStep) -> str:
    """The smallest confidence that is answered; a certified one exactly, so that it is the same in all tables."""
    return exact(step.threshold) if step.certified else shown(step.threshold)


def _interval(step: RiskStep) -> str:
    return "" if step.low is None or step.high is None else f"{100.0 * step.low:.2f} – {100.0 * step.high:.2f}"


def _points(dump: DumpReport) -> tuple[RiskPoint, ...]:
    """The measured curve, whichever metric it came with."""
    return next((one.curve for one in dump.metrics.values() if one.curve), ())


def _certified(dump: DumpReport) -> list[RiskPoint]:
    """The points of certified thresholds, which lie on the curve, the smallest limit first."""
    return [
        RiskPoint(one.threshold, one.value, (one.errors or 0) / one.rows)
        for _, one in limited(dump)
        if one.threshold is not None and one.value and one.rows
    ]


def _certificates(dump: DumpReport) -> tuple[Certificate, ...]:
    limits: dict[float, list[float]] = {}
    places = {one.coverage: one for one in _certified(dump)}
    for limit, one in limited(dump):
        if one.value in places and one.threshold is not None:
            limits.setdefault(one.value or 0.0, []).append(limit)
    return tuple(Certificate(tuple(own), cov, places[cov].risk) for cov, own in sorted(limits.items()))
