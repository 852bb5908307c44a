"""Which of several dumps is certainly best in a metric: marked only among dumps of the same rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport

MARK = "*"
MARKED = "certainly best among the dumps of the same rows: the interval overlaps no other"


def best(dumps: Sequence[DumpReport], metric: str) -> frozenset[int]:
    """The positions of the dumps that are certainly best among those of the same rows: no other interval overlaps.

    Dumps of other rows, or rows that are not known, are not ranked: their tasks differ. CWCE is of order 1/k, so dumps
    with different k have no best one, and MCE is about another bin in every dump. Coverage at a certified error has
    none, since its interval is for one threshold that was found on these rows. Nulls are left out; all other values
    need intervals.
    """
    spec = EVERY.get(metric)
    if spec is None or spec.certifies or not spec.comparable({dump.k for dump in dumps}):
        return frozenset()
    found = set()
    for places in same_rows(dumps):
        there = [(i, dumps[i].metrics[metric]) for i in places if metric in dumps[i].metrics]
        winner = _best([(i, m) for i, m in there if m.value is not None], spec.better)
        found |= set() if winner is None else {winner}
    return frozenset(found)


def same_rows(dumps: Sequence[DumpReport]) -> list[list[int]]:
    """The positions of dumps that hold the same rows, at least two together."""
    groups: dict[str, list[int]] = {}
    for i, dump in enumerate(dumps):
        if dump.rows_sha256 is not None:
            groups.setdefault(dump.rows_sha256, []).append(i)
    return [places for places in groups.values() if len(places) > 1]


def note(dumps: Sequence[DumpReport], marked: Collection[object], *, level: str) -> str:
    """What the mark means, or why there is none. marked: all that are. level: of the intervals, empty without them."""
    if len(dumps) < 2 or _are_regions(dumps):
        return ""
    if marked:
        return f"{MARK} {MARKED}"
    if not level:
        return "No value is marked as best: that needs intervals"
    if all(dump.rows_sha256 is None for dump in dumps):
        return "No value is marked as best: it is not known whether the dumps hold the same rows"
    if not same_rows(dumps):
        return "No value is marked as best: the dumps hold different rows"
    return "No value is certainly best"


def _are_regions(dumps: Sequence[DumpReport]) -> bool:
    """Whether they are regions of the same cases, which are not rivals."""
    found = {(dump.source.path, (dump.source.format or "").endswith("cases")) for dump in dumps}
    return len(found) == 1 and all(held and path is not None for path, held in found)


def _best(there: Sequence[tuple[int, MetricResult]], better: str) -> int | None:
    losses = []
    for i, m in there:
        if m.low is None or m.high is None:
            return None  # without an interval nothing is certain
        losses.append((*_as_loss(m.low, m.high, better), i))
    if len(losses) < 2:
        return None
    _, high, index = min(losses, key=lambda loss: loss[1])
    return index if all(high < low for low, _, other in losses if other != index) else None


def _as_loss(low: float, high: float, better: str) -> tuple[float, float]:
    """The interval of a number for which less is better."""
    if better == "higher":
        return -high, -low
    if better == "one":
        low, high, better = low - 1.0, high - 1.0, "zero"
    if better == "zero":
        return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))
    return low, high
