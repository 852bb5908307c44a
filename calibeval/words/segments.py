"""What a search for the worst segments found, in words."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.report.report import DumpReport
from calibeval.core.report.segments import Condition, Segment, SegmentSearch
from calibeval.core.report.views import judged_by
from calibeval.core.uncertainty.level import LIKELY_P
from calibeval.words import cells
from calibeval.words.signs import signed
from calibeval.words.tabled import Tabled

_MOST_NAMED = 5


def segment_table(dump: DumpReport) -> Tabled | None:
    """The worst segments; None without a search."""
    found = dump.segments
    if found is None:
        return None
    named = [(segment_name(one.conditions), _cells(one)) for one in found.worst]
    return Tabled(
        title=f"segments by {', '.join(found.columns)}",
        said=finding(found),
        heads=("rows", f"{cells.label(judged_by(dump)[0])} %", "sigma", "p"),
        rows=(*named, ("all rows", _cells(found.whole))),
        notes=tuple(_notes(found)),
    )


def finding(found: SegmentSearch) -> str:
    """How many segments are miscalibrated beyond noise."""
    if not found.tested:
        return "no segment has enough rows"
    return f"{found.beyond or 'none'} of {cells.plural(found.tested, 'segment')} miscalibrated beyond noise"


def segment_name(conditions: Sequence[Condition]) -> str:
    """The conditions of a segment.

    >>> segment_name([Condition("site", "A"), Condition("age", above=30.0, upto=61.0), Condition("size", upto=2.5)])
    'site=A, 30 < age ≤ 61, size ≤ 2.5'
    """
    return ", ".join(map(_condition, conditions)) or "all rows"


def _condition(one: Condition) -> str:
    if one.value is not None:
        return f"{one.column}={one.value}"
    if one.above is None:
        return f"{one.column} ≤ {one.upto:.6g}"
    return f"{one.column} > {one.above:.6g}" if one.upto is None else f"{one.above:.6g} < {one.column} ≤ {one.upto:.6g}"


def _cells(one: Segment) -> tuple[str, ...]:
    return f"{one.n:,}", signed(100 * one.gap, 2), f"{one.sigma:.1f}", cells.p_value(one.p)


def _notes(found: SegmentSearch) -> list[str]:
    count = cells.plural(found.tested, "segment")
    notes = [f"p: chance that any of {count} of a calibrated model reaches this sigma; 0.05 at {found.critical:.1f}"]
    if found.whole.p < LIKELY_P and 2 * found.beyond > found.tested:
        notes.append(
            "all rows together are miscalibrated, so most segments are: apply a map first, and search what it leaves"
        )
    if found.small:
        named = [f"{segment_name(one.conditions)} ({one.n:,})" for one in found.small[:_MOST_NAMED]]
        more = len(found.small) - len(named)
        rest = f" and {more:,} more" if more else ""
        least = cells.plural(found.min_rows, "row")
        notes.append(f"not tested, {len(found.small):,} with fewer than {least}: {'; '.join(named)}{rest}")
    notes += [f"not searched, {one.column}: {one.reason}" for one in found.left_out[:_MOST_NAMED]]
    others = len(found.left_out) - _MOST_NAMED
    return [*notes, f"not searched: {others:,} more columns"] if others > 0 else notes
