"""What every view of slices says: one table per column, how many slices stand out, and which were too small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calibeval.core.data.shot_names import SHOTS_TRUE
from calibeval.core.metrics.image_names import MEANS, MEANS_OF_POSITIVE
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, SliceResult, SmallSlice
from calibeval.core.report.settings import Settings
from calibeval.core.report.standing import CERTAIN_ROWS, Standing, standing_of
from calibeval.core.report.views import judged_by
from calibeval.core.uncertainty.level import CERTAIN_P, LIKELY_P
from calibeval.words import cells
from calibeval.words.difference import Change
from calibeval.words.long_tail import tail_table
from calibeval.words.segments import segment_table
from calibeval.words.tabled import Tabled

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

    def of_images(self) -> tuple[str, ...]:
        """The means over images that tables show, if there are any."""
        means = MEANS_OF_POSITIVE if self.ece == "ece_positive" else MEANS
        return tuple(name for name in means if any(name in row.metrics for row in self.rows))

    def finding(self) -> str:
        """In words how many slices are miscalibrated beyond noise, or why that is unknown."""
        if not self.rows:
            return "no slice has enough rows"
        count = cells.plural(len(self.rows), "slice")
        if self.tested:
            beyond = sum(map(self.is_beyond, self.rows))
            return f"{beyond or 'none'} of {count} miscalibrated beyond noise"
        of_ece = (row.metrics[self.ece] for row in self.rows if self.ece in row.metrics)
        if any(found.low is None and found.reason for found in of_ece):
            return f"{count} with too few groups to estimate the noise"
        return f"{count} by true label, not tested: no model is calibrated within a label"

    def is_beyond(self, row: SliceResult) -> bool:
        """Whether a slice is miscalibrated beyond noise, after correction for the number of slices."""
        return row.p_holm is not None and row.p_holm < LIKELY_P

    def verdict(self, row: SliceResult) -> str:
        """How a slice stands against noise, in a word or two; empty if it is not tested.

        "may be chance": it would be beyond noise if it were the only slice.

        >>> ece = MetricResult("ece", 0.1, floor=0.03, floor_high=0.06, floor_certain=0.09)
        >>> rows = [SliceResult("c", "v", 300, {"ece": ece}, p, p_holm) for p, p_holm in ((0.0, 0.0), (0.02, 0.08))]
        >>> [SliceTable("c", tuple(rows), (), None).verdict(row) for row in rows]
        ['certain', 'may be chance']
        """
        if row.p_holm is None:
            return ""
        n = row.n if row.effective is None else row.effective
        if self.is_beyond(row):
            standing = Standing.CERTAIN if row.p_holm < CERTAIN_P and n >= CERTAIN_ROWS else Standing.LIKELY
            return standing.short
        found = standing_of(row.metrics.get(self.ece, MetricResult(self.ece, None)), n=n)
        alone = row.p is not None and row.p < LIKELY_P
        if alone or found is None or found.beyond_noise:
            return Change.CHANCE.short
        return found.short

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


def word_tables(dump: DumpReport, settings: Settings) -> list[Tabled]:
    """What slices were asked for besides columns: the long tail, and the worst segments."""
    return [one for one in (tail_table(dump, settings), segment_table(dump)) if one is not None]


def slice_tables(dump: DumpReport, least: object) -> list[SliceTable]:
    """The slices of a dump by column, in the order in which the columns were requested.

    Bands of training images by true class are not among them: `tail_table` shows what they mean.
    least: the setting min_rows of the report, of any type.
    """
    slices, small = dump.slices or (), dump.small_slices or ()
    asked = dict.fromkeys([one.column for one in slices] + [one.column for one in small])
    asked = {name: None for name in asked if dump.shots is None or name != SHOTS_TRUE}
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
