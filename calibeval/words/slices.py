"""What every view of slices says: one table per column, how many slices stand out, and which were too small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calibeval.core.report.report import DumpReport, SliceResult, SmallSlice
from calibeval.core.report.views import judged_by
from calibeval.words import cells

BEYOND = 0.05
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The slices of one column, worst first. gap, ece: the metrics by which they are judged."""

    column: str
    rows: tuple[SliceResult, ...]
    small: tuple[SmallSlice, ...]
    least: int | None
    gap: str = "confidence_gap"
    ece: str = "ece"

    @property
    def tested(self) -> bool:
        """Whether there are p-values."""
        return any(row.p_holm is not None for row in self.rows)

    def finding(self) -> str:
        """In words how many slices are miscalibrated beyond noise, or why that is unknown."""
        if not self.rows:
            return "no slice has enough rows"
        count = cells.plural(len(self.rows), "slice")
        if self.tested:
            beyond = sum(row.p_holm is not None and row.p_holm < BEYOND for row in self.rows)
            return f"{beyond or 'none'} of {count} miscalibrated beyond noise"
        of_ece = (row.metrics[self.ece] for row in self.rows if self.ece in row.metrics)
        if any(found.low is None and found.reason for found in of_ece):
            return f"{count} with too few groups to estimate the noise"
        return f"{count} by true label, not tested: no model is calibrated within a label"

    def note(self) -> str:
        """What the p-values are; empty without them."""
        if not self.tested:
            return ""
        corrected = f"Holm-corrected over {cells.plural(len(self.rows), 'slice')}"
        return f"p: chance of an {cells.label(self.ece)} this large if calibrated, {corrected}"

    def too_small(self, name: Callable[[str], str], *, every: bool = False) -> str:
        """The slices that are not measured; empty if there are none. name: makes a name harmless and short.

        every: all of them, however many.
        """
        if not self.small:
            return ""
        named = [f"{name(one.value)} ({one.n:,})" for one in (self.small if every else self.small[:_MOST_NAMED])]
        more = len(self.small) - len(named)
        least = "" if self.least is None else f" than {cells.plural(self.least, 'row')}"
        return f"smaller{least}: {', '.join(named)}" + (f" and {more:,} more" if more else "")


def slice_tables(dump: DumpReport, least: object) -> list[SliceTable]:
    """The slices of a dump by column, in the order in which the columns were requested.

    least: the setting min_rows of the report, of any type.
    """
    slices, small = dump.slices or (), dump.small_slices or ()
    asked = dict.fromkeys([one.column for one in slices] + [one.column for one in small])
    return [
        SliceTable(
            column,
            tuple(one for one in slices if one.column == column),
            tuple(one for one in small if one.column == column),
            least if isinstance(least, int) else None,
            *judged_by(dump),
        )
        for column in asked
    ]
