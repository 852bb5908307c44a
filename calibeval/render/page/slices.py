"""The slices of a dump as the page shows them; all of the text is harmless and short."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report, SliceResult
from calibeval.words import cells
from calibeval.words.marks import plain
from calibeval.words.slices import BEYOND, SliceTable, slice_tables

# At most this many are visible; the others are folded.
_SHOWN = 20
_NAME = 60


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice; beyond: miscalibrated beyond noise, corrected for the number of slices."""

    name: str
    rows: str
    accuracy: str
    ece: str
    interval: str
    floor: str
    gap: str
    sign: str
    p: str
    beyond: bool


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices of one column, worst first. tested: whether there are p-values; level: of intervals, or empty."""

    column: str
    finding: str
    note: str
    small: str
    level: str
    tested: bool
    worst: tuple[SliceRow, ...]
    others: tuple[SliceRow, ...]
    ece: str = "ECE"
    gap: str = "gap"


def slice_views(dump: DumpReport, report: Report) -> list[Slices]:
    """One view for each column of slices."""
    views = []
    for found in slice_tables(dump, report.settings.min_rows):
        rows = tuple(_row(one, found) for one in found.rows)
        finding, small = found.finding(), found.too_small(lambda name: plain(name, _NAME // 2))
        views.append(
            Slices(
                column=plain(found.column, _NAME),
                finding=finding[:1].upper() + finding[1:],
                note=found.note(),
                small=small[:1].upper() + small[1:],
                level=cells.level(report),
                tested=found.tested,
                worst=rows[:_SHOWN],
                others=rows[_SHOWN:],
                ece=cells.label(found.ece),
                gap=cells.label(found.gap),
            )
        )
    return views


def _row(one: SliceResult, table: SliceTable) -> SliceRow:
    accuracy, ece, gap = (one.metrics.get(n, MetricResult(n, None)) for n in ("accuracy", table.ece, table.gap))
    size = gap.value or 0.0
    return SliceRow(
        name=plain(one.value, _NAME),
        rows=f"{one.n:,}",
        accuracy=cells.value(accuracy),
        ece=cells.value(ece),
        interval=cells.estimate(ece),
        floor=cells.floor(ece),
        gap=cells.value(gap),
        sign="over" if size > 0 else "under" if size < 0 else "",
        p=cells.p_value(one.p_holm),
        beyond=one.p_holm is not None and one.p_holm < BEYOND,
    )
