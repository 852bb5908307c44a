"""Numbers as dots with whiskers on one scale, with the range of noise behind them, so that one sees what exceeds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport
from calibeval.core.report.standing import standing_in, with_floor
from calibeval.render.page.marks import Tick, pct
from calibeval.words import cells
from calibeval.words.marks import round_ticks
from calibeval.words.shown import of_positive
from calibeval.words.signs import signed

# The errors of the top label, which have the same unit and similar sizes; the others are in tables, but for the first
# few of those that were chosen instead.
MATTERING = ("ece", "aece", "confidence_gap", "oe")
MATTERING_OF_POSITIVE = ("gap_positive", "ece_positive")
_ROOM = 0.04


@dataclass(frozen=True, slots=True)
class Dot:
    """One number on the scale. low, high: ends of its whisker, empty without one.

    noise, noise_width: what 95 of 100 calibrated models would show; expected: their mean. Empty without a floor.
    beyond: whether the number is beyond noise. sign: "over" or "under" for signed numbers.
    """

    label: str
    title: str
    value: str
    unit: str
    interval: str
    floor: str
    verdict: str
    place: str
    low: str
    high: str
    noise: str
    noise_width: str
    expected: str
    beyond: bool
    sign: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Dots with the axis they share, in percentage points; zero: place of 0."""

    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    zero: str


def mattering(dump: DumpReport) -> Scale | None:
    """The most important numbers of one dump; None if none of them has a value."""
    return _scale([(with_floor(dump, name), dump) for name in matter(dump) if name in dump.metrics])


def matter(dump: DumpReport) -> tuple[str, ...]:
    """The metrics that are drawn: of two classes, those of P(positive class).

    Where none of them was chosen, others in percentage points that noise is known for.
    """
    if of_positive(dump):
        return MATTERING_OF_POSITIVE
    if not {*MATTERING}.isdisjoint(dump.metrics):
        return MATTERING
    judged = (name for name in dump.metrics if cells.unit(name) == "%" and standing_in(dump, name) is not None)
    return tuple(islice((name for name in judged if dump.metrics[name].floor is not None), len(MATTERING)))


def across(dumps: Sequence[DumpReport], metric: str) -> Scale | None:
    """One metric of those dumps that have a value for it; None if there are none."""
    return _scale([(with_floor(dump, metric), dump) for dump in dumps])


def _scale(numbers: Sequence[tuple[MetricResult, DumpReport]]) -> Scale | None:
    there = [(m, dump) for m, dump in numbers if m.value is not None]
    if not there:
        return None
    ends = [end for m, _ in there for end in _ends(m)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = _ROOM * (high - low) or 0.01
    low, high = low - room, high + room

    def place(value: float) -> str:
        return pct((value - low) / (high - low))

    ticks = tuple(Tick(place(t / 100), _tick(t)) for t in round_ticks(100 * low, 100 * (high - 0.5 * room)))
    return Scale(tuple(_dot(m, dump, low, high) for m, dump in there), ticks, place(0.0))


def _ends(metric: MetricResult) -> list[float]:
    """Every number that must fit on the scale for this metric."""
    low, high = _noise(metric) or (0.0, 0.0)
    return [low, high, *(x for x in (metric.value, metric.low, metric.high) if x is not None)]


def _noise(metric: MetricResult) -> tuple[float, float] | None:
    """The range of noise; for the signed gap, on both sides of 0."""
    if metric.floor_high is None:
        return None
    return (-metric.floor_high if is_signed(metric.name) else 0.0), metric.floor_high


def _dot(metric: MetricResult, dump: DumpReport, low: float, high: float) -> Dot:
    def place(value: float | None) -> str:
        return "" if value is None else pct((value - low) / (high - low))

    noise, standing = _noise(metric), standing_in(dump, metric.name)
    signed_metric = is_signed(metric.name)
    value = metric.value or 0.0
    return Dot(
        label=cells.label(metric.name),
        title=EVERY[metric.name].title if metric.name in EVERY else "",
        value=cells.value(metric),
        unit=cells.unit(metric.name),
        interval=f"{'corrected ' if cells.corrected(metric) else ''}{cells.estimate(metric)}",
        floor=cells.floor(metric),
        verdict="" if standing is None else standing.short,
        place=place(value),
        low=place(metric.low),
        high=place(metric.high),
        noise="" if noise is None else place(noise[0]),
        noise_width="" if noise is None else pct((noise[1] - noise[0]) / (high - low)),
        expected="" if signed_metric else place(metric.floor),
        beyond=standing is not None and standing.beyond_noise,
        sign="" if not signed_metric or value == 0 else "over" if value > 0 else "under",
    )


def is_signed(metric: str) -> bool:
    """Whether the metric is a gap, with noise on both sides of 0."""
    return metric in ("confidence_gap", "gap_positive")


def _tick(number: float) -> str:
    """A round number as a tick: typographic minus, no plus."""
    text = f"{abs(number):g}"
    return f"{signed(-1, 0)[0]}{text}" if number < 0 else text
