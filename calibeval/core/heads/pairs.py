"""Two trained heads on the same rows: how sure it is that one of them is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from calibeval.core.comparison.comparison import Difference
from calibeval.core.data.records import Layout, to_plain


@dataclass(frozen=True, slots=True)
class LossPair:
    """The differences between the saved heads of two losses, in the metrics that the table of losses shows.

    candidate, base: the losses; differences are candidate - base. after: whether both heads have their temperatures.
    Rows are paired, and p is corrected for the number of metrics (Holm).
    """

    LAYOUT: ClassVar = Layout(open=True)

    candidate: str
    base: str
    after: bool
    differences: Mapping[str, Difference]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this pair."""
        return to_plain(self)
