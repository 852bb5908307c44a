"""Rows of two models (all of them, or a slice), and the differences on these rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.certainty import fewest_of, with_few_errors
from calibeval.core.comparison.comparison import Difference, SliceDifferences
from calibeval.core.comparison.differences import paired_differences
from calibeval.core.data.notices import reason
from calibeval.core.evaluation.groups import Groups
from calibeval.core.metrics.table import EVERY
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.model_pair import Known, Pair
from calibeval.core.uncertainty.small_counts import share_of

BY_LABEL = reason(
    "chosen_by_label", "rows selected by their label are not calibrated among themselves, even if the model is"
)

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class MatchedPart:
    """Rows of two models: all of them, or a slice.

    rows: the numbers of the candidate's stored rows, in the order of the pair. groups: of these rows. by_label: whether
    rows were selected by their label.
    """

    pair: Pair
    rows: Rows
    groups: Groups | None
    by_label: bool = False

    def differences(self, level: float, only: Collection[str] | None) -> dict[str, Difference]:
        """The differences on these rows; calibration errors get no interval if rows were selected by their label."""
        right = (share_of(model.sums.top, model.sums.n) for model in self.pair.models)
        fewest = fewest_of(dict(zip(("the base", "the candidate"), right, strict=True)))
        found = with_few_errors(paired_differences(self.pair, level, only), fewest)
        refused = None if self.groups is None else self.groups.refused
        if refused is not None:
            found = {name: d.without_interval(refused.reworded(f"no interval: {refused}")) for name, d in found.items()}
        if self.by_label:
            floored = {name for name in found if EVERY[name].has_floor}
            found = {name: d.without_interval(BY_LABEL) if name in floored else d for name, d in found.items()}
        return found


@dataclass(frozen=True, slots=True, eq=False)
class MatchedSlice:
    """A slice of the rows of two models: sums, and 8 bytes per row; the rest is derived from all rows when needed.

    whole: all rows. places: positions of the slice's rows among these. sums: of base and candidate, without rows.
    found: cache.
    """

    whole: MatchedPart
    places: Rows
    sums: tuple[Sums, Sums]
    column: str
    value: str
    by_label: bool
    found: Known = field(default_factory=Known)

    @property
    def name(self) -> str:
        """The slice as "column=value"."""
        return f"{self.column}={self.value}"

    def part(self) -> MatchedPart:
        """The rows of the slice, for immediate use; the caller should not keep them."""
        groups = None if self.whole.groups is None else self.whole.groups.of_rows(self.places)
        pair = self.whole.pair.at(self.places, self.sums, independent(groups), self.found)
        return MatchedPart(pair, self.whole.rows[self.places], groups, self.by_label)


def independent(groups: Groups | None) -> Rows | None:
    """The group of each row, if only groups are independent and there are enough of them; else None."""
    return None if groups is None or groups.refused is not None else groups.codes


def corrected(slices: Sequence[MatchedSlice], level: float, only: Collection[str] | None) -> list[SliceDifferences]:
    """The slices of one column with p_holm, Holm's correction over the slices for each metric."""
    found = [one.part().differences(level, only) for one in slices]
    names = dict.fromkeys(name for differences in found for name in differences)
    holms = {name: holm([differences[name].p for differences in found]) for name in names}
    return [
        SliceDifferences(
            one.column,
            one.value,
            len(one.places),
            {name: replace(d, p_holm=holms[name][i]) for name, d in differences.items()},
            one.sums[1].effective,
        )
        for i, (one, differences) in enumerate(zip(slices, found, strict=True))
    ]
