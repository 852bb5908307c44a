"""The slices of a dump as the page shows them: a line each, with the error on one scale; all text is harmless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report, SliceResult
from calibeval.core.report.settings import Settings
from calibeval.core.report.standing import standing_in, with_floor
from calibeval.core.report.views import with_means
from calibeval.render.page.marks import Tick, pct
from calibeval.words import cells
from calibeval.words.marks import plain, round_ticks
from calibeval.words.signs import side
from calibeval.words.slices import SliceTable, slice_tables, word_tables
from calibeval.words.tabled import Tabled

# At most this many are visible; the others are folded.
_SHOWN = 20
_NAME, _TITLE, _ROOM = 60, 600, 0.05


@dataclass(frozen=True, slots=True)
class Mark:
    """The error of some rows on the scale. low, high: ends of its whisker, empty without one.

    dot: the corrected value, or else the value; value: the value, if there is a corrected one. noise: how far 95 of 100
    calibrated models reach from 0; empty without a floor.
    """

    dot: str
    value: str
    low: str
    high: str
    noise: str


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice, or all rows. beyond: miscalibrated beyond noise, corrected for the number of slices.

    means: over images. verdict: in words; empty where it is not tested. sign: "over" or "under" if the gap makes up at
    least half of the error above its expected noise.
    """

    name: str
    rows: str
    accuracy: str
    ece: str
    interval: str
    floor: str
    means: tuple[str, ...]
    gap: str
    sign: str
    p: str
    verdict: str
    beyond: bool
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices of one column, worst first, and all rows as the last line.

    ece, means, gap: heads of these columns. tested: whether there are p-values. level: of intervals, or empty.
    zero, overall: places of 0 and of all rows on the scale; ticks: of the scale.
    """

    column: str
    finding: str
    note: str
    small: str
    level: str
    ece: str
    means: tuple[str, ...]
    gap: str
    tested: bool
    worst: tuple[SliceRow, ...]
    others: tuple[SliceRow, ...]
    whole: SliceRow
    zero: str
    overall: str
    ticks: tuple[Tick, ...]


def slice_views(dump: DumpReport, report: Report) -> list[Slices]:
    """One view for each column of slices."""
    return [_view(dump, report, found) for found in slice_tables(dump, report.settings.min_rows)]


def plain_tables(dump: DumpReport, settings: Settings) -> list[Tabled]:
    """The long tail and the worst segments, in harmless words."""
    return [
        Tabled(
            plain(one.title[:1].upper() + one.title[1:], _TITLE),
            plain(one.said, _TITLE) if one.said else "",
            one.heads,
            tuple((plain(name, _NAME), row) for name, row in one.rows),
            tuple(plain(note, _TITLE) for note in one.notes),
        )
        for one in word_tables(dump, settings)
    ]


def _view(dump: DumpReport, report: Report, found: SliceTable) -> Slices:
    finding, small = found.finding(), found.too_small(lambda name: plain(name, _NAME // 2))
    worth = None if dump.weights is None else dump.weights.effective
    every = {**with_means(dump).metrics, **{name: with_floor(dump, name) for name in dump.metrics}}
    whole = SliceResult(found.column, "all rows", dump.n, every, None, None, worth)
    errors = [one.metrics.get(found.ece, MetricResult(found.ece, None)) for one in (*found.rows, whole)]
    ends = [end for m in errors for end in (m.value, m.low, m.high, m.floor_high) if end is not None]
    low, high = min(0.0, *ends, 0.0), max(0.0, *ends, 0.0) or 1.0
    room = _ROOM * (high - low)
    low, high = low - room, high + 2 * room  # numbers under the scale reach beyond its end
    rows = tuple(_row(one, found, low, high) for one in found.rows)
    standing = standing_in(dump, found.ece)
    own = replace(
        _row(whole, found, low, high),
        beyond=standing is not None and standing.beyond_noise,
        verdict="" if standing is None else standing.short,
        p="",
    )
    return Slices(
        column=plain(found.column, _NAME),
        finding=finding[:1].upper() + finding[1:],
        note=found.note(),
        small=small[:1].upper() + small[1:],
        level=cells.level(report),
        ece=cells.heading(found.ece),
        means=tuple(cells.heading(name) for name in found.of_images()),
        gap=cells.label(found.gap),
        tested=found.tested,
        worst=rows[:_SHOWN],
        others=rows[_SHOWN:],
        whole=own,
        zero=_place(0.0, low, high),
        overall="" if own.mark is None else own.mark.dot,
        ticks=tuple(Tick(_place(t / 100, low, high), f"{t:g}") for t in round_ticks(100 * low, 100 * high, 3)),
    )


def _row(one: SliceResult, found: SliceTable, low: float, high: float) -> SliceRow:
    accuracy, ece, gap = (
        one.metrics.get(name, MetricResult(name, None)) for name in ("accuracy", found.ece, found.gap)
    )
    return SliceRow(
        name=plain(one.value, _NAME),
        rows=f"{one.n:,}",
        accuracy=cells.value(accuracy),
        ece=cells.value(ece),
        interval=cells.estimate(ece),
        floor=cells.floor(ece),
        means=tuple(cells.value(one.metrics.get(name, MetricResult(name, None))) for name in found.of_images()),
        gap=cells.value(gap),
        sign=side(gap.value or 0.0, ece.value or 0.0, ece.floor),
        p=cells.p_value(one.p_holm),
        verdict=found.verdict(one),
        beyond=found.is_beyond(one),
        mark=_mark(ece, low, high),
    )


def _mark(metric: MetricResult, low: float, high: float) -> Mark | None:
    if metric.value is None:
        return None
    ends: Sequence[float | None] = (metric.low, metric.high) if metric.high is not None else (None, None)
    first, last = ("" if end is None else _place(end, low, high) for end in ends)
    value = _place(metric.value, low, high)
    noise = "" if metric.floor_high is None else pct(metric.floor_high / (high - low))
    if metric.corrected is None:
        return Mark(value, "", first, last, noise)
    return Mark(_place(metric.corrected, low, high), value, first, last, noise)


def _place(value: float, low: float, high: float) -> str:
    return pct((value - low) / (high - low))
